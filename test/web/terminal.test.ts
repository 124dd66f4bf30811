// The terminal without a screen: splitting lines, hints, completion, editing, drawing, sessions.

import { afterEach, describe, expect, it, vi } from 'vitest';
import { Respite } from '../../src/index.ts';
import { type Completion, complete } from '../../src/web/terminal/complete.ts';
import { commandHelp } from '../../src/web/terminal/help.ts';
import { hintFor } from '../../src/web/terminal/hint.ts';
import { History, type HistoryStorage } from '../../src/web/terminal/history.ts';
import { readKeys } from '../../src/web/terminal/keys.ts';
import { LineEditor } from '../../src/web/terminal/line_editor.ts';
import { LineDrawer, placeBehind } from '../../src/web/terminal/line_layout.ts';
import { TerminalSession } from '../../src/web/terminal/session.ts';
import { quoteWord, splitWords } from '../../src/web/terminal/split_words.ts';
import { EMPTY_LINE, spokenChange } from '../../src/web/terminal/spoken_line.ts';
import { visible } from '../../src/web/terminal/visible.ts';
import { pageTurn } from '../../src/web/ui/turns.ts';
import { Random } from '../support/random.ts';

const opened: Respite[] = [];

afterEach(async () => {
  await Promise.all(opened.splice(0).map((store) => store.close()));
});

const bytes = (text: string) => new TextEncoder().encode(text);

describe('a line is split into words', () => {
  it.each([
    ['SET a 1', ['SET', 'a', '1']],
    ['  GET\ta  ', ['GET', 'a']],
    ['SET a "two words"', ['SET', 'a', 'two words']],
    ["SET a 'it\\'s'", ['SET', 'a', "it's"]],
    ['ECHO "\\n\\t\\\\"', ['ECHO', '\n\t\\']],
    ['ECHO 😀é', ['ECHO', '😀é']],
    ['', []],
  ])('%j', (line, words) => {
    const split = splitWords(line);
    expect(split.fault).toBeUndefined();
    expect(split.words.map(({ text }) => text)).toEqual(words);
  });

  it('keeps bytes that are no text', () => {
    expect([...splitWords('"\\x00\\xff"').words[0]!.bytes]).toEqual([0, 255]);
  });

  it.each([
    ['SET a "b', 'open quote'],
    ["SET a 'b", 'open quote'],
    ['SET "a"b', 'text behind quote'],
  ])('says what is wrong with %j', (line, fault) => {
    expect(splitWords(line).fault).toBe(fault);
  });

  it('reads back every word that was quoted', () => {
    const random = Random.fresh();
    const note = `seed ${random.seed}`;
    for (let run = 0; run < 500; run += 1) {
      const word = Uint8Array.from({ length: random.below(12) }, () => random.below(256));
      const { words, fault } = splitWords(`ECHO ${quoteWord(word)} end`);
      expect(fault, note).toBeUndefined();
      expect([...words[1]!.bytes], note).toEqual([...word]);
    }
    expect(quoteWord(bytes('user:1'))).toBe('user:1');
    expect(quoteWord(bytes('Zürich 😀'))).toBe('"Zürich 😀"');
  });
});

describe('the hint shows what is still to come', () => {
  it.each([
    ['get', ' key'],
    ['get ', 'key'],
    ['GET a ', ''],
    ['get a b ', ''],
    ['mset ', 'key value [key value ...]'],
    ['mset a ', 'value [key value ...]'],
    ['mset a 1 ', '[key value ...]'],
    ['del a b ', '[key ...]'],
    ['zadd z ', '[NX|XX] [GT|LT] [CH] [INCR] score member [score member ...]'],
    ['zadd z xx ', '[GT|LT] [CH] [INCR] score member [score member ...]'],
    ['zadd z 1 ', 'member [score member ...]'],
    ['zadd z one ', ''],
    ['expire k 10 ', '[NX|XX|GT|LT]'],
    ['expire k 10 nx ', ''],
    [
      'sort k limit ',
      'offset count [BY pattern] [GET pattern [GET pattern ...]] [ASC|DESC] [ALPHA] [STORE destination]',
    ],
    ['scan 0 count 5 ', '[MATCH pattern] [TYPE type]'],
    ['blpop a b ', '[key ...] timeout'],
    ['config ', 'GET|HELP|RESETSTAT|REWRITE|SET'],
    ['config g', ''],
    ['config get ', 'parameter [parameter ...]'],
    ['hset "my key', ' key field value [field value ...]'],
    ['hset "my key" ', 'field value [field value ...]'],
    ['set "a"b ', ''],
    ['nosuch ', ''],
    ['', ''],
  ])('%j', (line, hint) => {
    expect(hintFor(line)).toBe(hint);
  });
});

describe('Tab offers', () => {
  const found = async (line: string, keys: readonly string[] = []): Promise<Completion> =>
    complete(line, line.length, async () => keys.map(bytes));

  it.each([
    ['SETR', ['SETRANGE']],
    ['setr', ['setrange']],
    ['config ge', ['get']],
    ['CONFIG ', ['GET', 'HELP', 'RESETSTAT', 'REWRITE', 'SET']],
    ['expire k 10 ', ['NX', 'XX', 'GT', 'LT']],
    ['expire k 10 g', ['gt']],
    ['zadd z xx g', ['gt']],
    ['scan 0 COUNT 5 ', ['MATCH', 'TYPE']],
    ['help setr', ['setrange']],
    ['help config ge', ['get']],
    ['HELP CONFIG G', ['GET']],
    ['help config get x', []],
    ['nosuch a', []],
    ['echo ', []],
  ])('for %j', async (line, candidates) => {
    expect((await found(line)).candidates).toEqual(candidates);
  });

  it('keys, quoted where they have to be', async () => {
    const { from, to, candidates } = await found('get us', ['user:1', 'us er']);
    expect(candidates).toEqual(['user:1', '"us er"']);
    expect([from, to]).toEqual([4, 6]);
  });

  it('keys in the middle of a line, for the word before the cursor', async () => {
    const { from, to, candidates } = await complete('get us tail', 6, async () => [bytes('user')]);
    expect([from, to, candidates]).toEqual([4, 6, ['user']]);
  });

  it('keys for a word whose quote is open', async () => {
    const { from, candidates } = await found('get "us e', ['us er']);
    expect(candidates).toEqual(['"us er"']);
    expect(from).toBe(4);
  });
});

describe('keys of the terminal', () => {
  it('are named', () => {
    expect(readKeys('a\x1b[A\x01é\r').map((key) => ('text' in key ? key.text : key.name))).toEqual([
      'a',
      'up',
      'home',
      'é',
      'enter',
    ]);
  });

  it('that mean nothing are left out', () => {
    expect(readKeys('\x1b[15~\x00x')).toEqual([{ name: 'text', text: 'x' }]);
  });

  it('of a paste stay together', () => {
    expect(readKeys('\x1b[200~SET a 1\r\nGET a\x1b[201~')).toEqual([
      { name: 'paste', text: 'SET a 1\nGET a' },
    ]);
  });
});

class Lines implements HistoryStorage {
  readonly kept = new Map<string, string>();
  getItem = (key: string) => this.kept.get(key) ?? null;
  setItem = (key: string, value: string) => void this.kept.set(key, value);
}

function edit(history = new History(), answer: Completion = { from: 0, to: 0, candidates: [] }) {
  const lines: string[] = [];
  const editor = new LineEditor(history, {
    onLine: (line) => lines.push(line),
    onInterrupt: (line) => lines.push(`^C ${line}`),
    onClear: () => lines.push('clear'),
    complete: async () => answer,
    onChange() {},
  });
  const type = (data: string) => {
    for (const key of readKeys(data)) editor.press(key);
  };
  /** The line with its cursor. */
  const shown = () => `${editor.text.slice(0, editor.cursor)}|${editor.text.slice(editor.cursor)}`;
  return { editor, type, lines, shown };
}

const UP = '\x1b[A';
const DOWN = '\x1b[B';
const LEFT = '\x1b[D';

describe('the line editor', () => {
  it.each([
    ['abc', 'abc|'],
    [`abc${LEFT}x`, 'abx|c'],
    [`abc${LEFT}\x7f`, 'a|c'],
    [`abc${LEFT}\x1b[3~`, 'ab|'],
    ['abc\x01x', 'x|abc'],
    ['abc\x01\x05x', 'abcx|'],
    ['one two\x17', 'one |'],
    ['one two\x17\x19\x19', 'one twotwo|'],
    ['one two\x1bb\x0b', 'one |'],
    ['one two\x1bb\x15', '|two'],
    ['one two\x01\x1bf', 'one| two'],
    ['ab\x14', 'ba|'],
    ['é😀👩‍👩‍👧\x7f\x7f', 'é|'],
    [`👩‍👩‍👧${LEFT}x`, 'x|👩‍👩‍👧'],
  ])('%j gives %j', (data, wanted) => {
    const { type, shown } = edit();
    type(data);
    expect(shown()).toBe(wanted);
  });

  it('runs every line of a paste but the last one', () => {
    const { type, lines, shown } = edit();
    type('\x1b[200~SET a 1\nSET b 2\nGET\x1b[201~');
    expect(lines).toEqual(['SET a 1', 'SET b 2']);
    expect(shown()).toBe('GET|');
  });

  it('goes back and forth in the history, and returns to what was typed', () => {
    const { type, shown } = edit();
    type('one\rtwo\rthr');
    type(UP);
    expect(shown()).toBe('two|');
    type(UP + UP);
    expect(shown()).toBe('one|');
    type(DOWN + DOWN + DOWN);
    expect(shown()).toBe('thr|');
  });

  it('finds earlier lines', () => {
    const { type, editor, lines } = edit();
    type('SET a 1\rGET a\rSET b 2\r');
    type('\x12SET');
    expect(editor.searchText).toBe('SET');
    expect(editor.text).toBe('SET b 2');
    type('\x12');
    expect(editor.text).toBe('SET a 1');
    type('\r');
    expect(lines.at(-1)).toBe('SET a 1');
    type('left\x12GET\x07');
    expect(editor.text).toBe('left');
  });

  it('completes what there is one way for, and a space behind it', async () => {
    const { type, editor, shown } = edit(undefined, { from: 0, to: 3, candidates: ['GETRANGE'] });
    type('GETR');
    editor.setText('GET');
    await editor.completeNow();
    expect(shown()).toBe('GETRANGE |');
  });

  it('completes what all candidates share, then goes through them', async () => {
    const answer = { from: 0, to: 2, candidates: ['SETBIT', 'SETEX'] };
    const { type, editor, shown } = edit(undefined, answer);
    type('SE');
    await editor.completeNow();
    expect(shown()).toBe('SET|');
    const again = edit(undefined, { from: 0, to: 3, candidates: ['SETBIT', 'SETEX'] });
    again.type('SET');
    await again.editor.completeNow();
    expect(again.editor.candidates?.list).toEqual(['SETBIT', 'SETEX']);
    again.type('\t');
    expect(again.shown()).toBe('SETBIT|');
    again.type('\t\t');
    expect(again.shown()).toBe('SETBIT|');
    again.type('\x1b[Z');
    expect(again.shown()).toBe('SETEX|');
    again.type('\x1b');
    expect(again.shown()).toBe('SET|');
  });

  it('leaves candidates that came too late', async () => {
    const { type, editor, shown } = edit(undefined, { from: 0, to: 1, candidates: ['SET'] });
    type('S');
    const completing = editor.completeNow();
    type('x');
    await completing;
    expect(shown()).toBe('Sx|');
  });

  it('tells of Ctrl-C and Ctrl-L', () => {
    const { type, lines, shown } = edit();
    type('half\x03\x0c');
    expect(lines).toEqual(['^C half', 'clear']);
    expect(shown()).toBe('|');
  });
});

describe('what a screen reader is told of the line', () => {
  const state = (shown: string, more = {}) => ({
    ...EMPTY_LINE,
    text: shown.replace('|', ''),
    cursor: shown.indexOf('|'),
    ...more,
  });
  const list = ['SETBIT', 'SETEX'];

  it.each([
    ['a character is typed', state('SE|'), state('SET|'), undefined],
    ['one is typed in the middle', state('S|T'), state('SE|T'), undefined],
    ['one is deleted', state('SET|'), state('SE|'), 'T'],
    ['one is deleted behind the cursor', state('S|ET'), state('S|T'), 'E'],
    ['a word is deleted', state('GET key|'), state('GET |'), 'key'],
    ['the cursor goes back', state('SET|'), state('SE|T'), 'T'],
    ['the cursor goes to the end', state('|SET'), state('SET|'), 'end'],
    ['a line comes from the history', state('|'), state('GET a|'), 'GET a'],
    ['the line is emptied', state('G|'), state('|'), 'empty line'],
    ['a word is completed', state('GETR|'), state('GETRANGE |'), 'GETRANGE '],
    [
      'there are candidates',
      state('SET|'),
      state('SET|', { candidates: { list, index: -1 } }),
      'SETBIT, SETEX',
    ],
    [
      'Tab goes on',
      state('SETBIT|', { candidates: { list, index: 0 } }),
      state('SETEX|', { candidates: { list, index: 1 } }),
      'SETEX',
    ],
    ['a search begins', state('|'), state('|', { searchText: '' }), 'Search in earlier lines'],
    ['it finds', state('|', { searchText: '' }), state('|GET', { searchText: 'G' }), 'GET'],
    [
      'it does not find',
      state('|', { searchText: '' }),
      state('|', { searchText: 'X' }),
      'X was not found',
    ],
    ['it ends', state('|GET', { searchText: 'G' }), state('old|'), 'old'],
  ])('when %s', (_when, before, after, told) => {
    expect(spokenChange(before, after)).toBe(told);
  });
});

describe('the history', () => {
  it('outlives the page', () => {
    const storage = new Lines();
    edit(new History(storage)).type('SET a 1\rGET a\r');
    const { type, shown } = edit(new History(storage));
    type(UP + UP);
    expect(shown()).toBe('SET a 1|');
  });

  it('of two tabs has the lines of both', () => {
    const storage = new Lines();
    const [first, second] = [new History(storage), new History(storage)];
    first.add('SET a 1');
    second.add('SET b 2');
    first.add('SET c 3');
    expect([0, 1, 2].map((age) => new History(storage).at(age))).toEqual([
      'SET c 3',
      'SET b 2',
      'SET a 1',
    ]);
  });

  it('leaves out passwords, repetitions and empty lines', () => {
    const history = new History();
    for (const line of ['AUTH secret', 'config set requirepass x', 'GET a', 'GET a', '  '])
      history.add(line);
    expect(history.length).toBe(1);
  });

  it('takes the lines of a paste at one go, and keeps the last ones', () => {
    const storage = new Lines();
    const writing = vi.spyOn(storage, 'setItem');
    const history = new History(storage);
    history.addAll(Array.from({ length: 1500 }, (_, i) => `SET k ${i}`));
    expect(writing).toHaveBeenCalledTimes(1);
    expect(history.length).toBe(1000);
    expect([history.at(0), new History(storage).at(999)]).toEqual(['SET k 1499', 'SET k 500']);
  });

  it('lives with a storage that is broken or full', () => {
    const broken: HistoryStorage = {
      getItem: () => '{not json',
      setItem: () => {
        throw new Error('full');
      },
    };
    const history = new History(broken);
    history.add('GET a');
    history.add('GET b');
    expect([history.at(0), history.at(1)]).toEqual(['GET b', 'GET a']);
  });
});

describe('the layout of a line', () => {
  it.each([
    ['', 10, [0, 0]],
    ['abc', 10, [0, 3]],
    ['0123456789', 10, [1, 0]],
    ['0123456789a', 10, [1, 1]],
    ['012345678日', 10, [1, 2]],
    ['日本', 4, [1, 0]],
  ])('%j in %d columns ends at %j', (text, columns, [row, column]) => {
    expect(placeBehind(text as string, columns as number)).toEqual({ row, column });
  });

  it('draws over what was drawn, and leaves the cursor where it belongs', () => {
    const drawer = new LineDrawer();
    const line = { prompt: 'db> ', text: 'SET key', cursor: 7, hint: ' value' };
    expect(drawer.draw(line, 40)).toContain('SET key');
    const wrapped = { prompt: 'db> ', text: 'x'.repeat(50), cursor: 50, hint: '' };
    drawer.draw(wrapped, 40);
    // Two rows were drawn: the next drawing goes one up.
    expect(drawer.draw(line, 40).startsWith('\x1b[1A\r\x1b[J')).toBe(true);
  });

  it('cuts the hint to the room there is', () => {
    const output = new LineDrawer().draw(
      { prompt: '> ', text: 'GET ', cursor: 4, hint: 'a long hint' },
      12,
    );
    expect(output).toContain('a lon\x1b');
  });

  it('shows control characters of values, and keeps colors', () => {
    expect(visible('a\x1b[2Jb\x07\r\nc\x1b[31md')).toBe('a\\x1b[2Jb\\x07\nc\x1b[31md');
  });
});

async function session() {
  const store = await Respite.open();
  opened.push(store);
  let printed = '';
  const terminal = new TerminalSession((handlers, options) => store.connect(handlers, options), {
    print: (text) => {
      printed += text;
    },
    clear: () => {
      printed += '<clear>';
    },
    onChange() {},
    setHints: (on) => {
      printed += `<hints ${on}>`;
    },
    rest: pageTurn,
  });
  const run = async (line: string) => {
    printed = '';
    await terminal.run(line);
    return printed;
  };
  /** What was printed since, by others too. */
  const rest = () => {
    const text = printed;
    printed = '';
    return text;
  };
  /** The same, once there is something. */
  const next = async () => {
    await until(() => printed !== '');
    return rest();
  };
  return { store, terminal, run, rest, next };
}

/** Waits until what was asked for is so; the test's time is the limit. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

describe('a session', () => {
  it('has the database and the transaction in its prompt', async () => {
    const { terminal, run } = await session();
    expect(terminal.prompt).toBe('db> ');
    await run('SELECT 3');
    expect(terminal.prompt).toBe('db[3]> ');
    await run('MULTI');
    expect(terminal.prompt).toBe('db[3](TX)> ');
    expect(await run('SELECT 5')).toBe('QUEUED\n');
    expect(await run('EXEC')).toBe('1) OK\n');
    expect(terminal.prompt).toBe('db[5]> ');
    await run('MULTI');
    await run('SELECT 7');
    await run('DISCARD');
    expect(terminal.prompt).toBe('db[5]> ');
    expect(await run('SELECT 99')).toMatch(/^\(error\) ERR/);
    expect(terminal.prompt).toBe('db[5]> ');
    await run('RESET');
    expect(terminal.prompt).toBe('db> ');
  });

  it('shows replies in the protocol that was asked for', async () => {
    const { run } = await session();
    await run('HSET h a 1');
    expect(await run('HGETALL h')).toBe('1) "a"\n2) "1"\n');
    expect(await run('HELLO 3')).toContain('3# "proto" => (integer) 3\n');
    expect(await run('HGETALL h')).toBe('1# "a" => "1"\n');
    await run('HELLO 2');
    expect(await run('HGETALL h')).toBe('1) "a"\n2) "1"\n');
  });

  it.each([2, 3])('streams messages in RESP%d until it is interrupted', async (protocol) => {
    const { store, terminal, run, rest, next } = await session();
    await run(`HELLO ${protocol}`);
    expect(await run('SUBSCRIBE news')).toBe('1) "subscribe"\n2) "news"\n3) (integer) 1\n');
    expect(terminal.mode).toBe('subscribed');
    expect(terminal.prompt).toBe('db(subscribed mode)> ');
    rest();
    await store.command('PUBLISH', 'news', 'hello');
    expect(await next()).toBe('1) "message"\n2) "news"\n3) "hello"\n');
    await terminal.interrupt();
    expect(terminal.mode).toBe('idle');
    expect(await store.command('PUBLISH', 'news', 'more')).toBe(0);
    expect(rest()).toBe('');
    expect(await run('PING')).toBe('PONG\n');
  });

  it('takes a list for a list, whatever it holds', async () => {
    const { run } = await session();
    await run('RPUSH l message channel text');
    expect(await run('LRANGE l 0 -1')).toBe('1) "message"\n2) "channel"\n3) "text"\n');
  });

  it('leaves subscriptions one by one', async () => {
    const { terminal, run } = await session();
    await run('SUBSCRIBE a b');
    await run('UNSUBSCRIBE a');
    expect(terminal.mode).toBe('subscribed');
    await run('UNSUBSCRIBE b');
    expect(terminal.mode).toBe('idle');
  });

  it('watches commands until it is interrupted', async () => {
    const { store, terminal, run, rest, next } = await session();
    expect(await run('MONITOR')).toBe('OK\n');
    expect(terminal.mode).toBe('monitor');
    rest();
    await store.command('SET', 'a', 'b c');
    expect(await next()).toMatch(/^\d+\.\d+ \[0 [^\]]+\] "SET" "a" "b c"\n$/);
    await terminal.interrupt();
    expect(terminal.mode).toBe('idle');
    await store.command('PING');
    expect(await run('PING')).toBe('PONG\n');
  });

  it('interrupts a command that waits, and stays in its database', async () => {
    const { store, terminal, run } = await session();
    await run('SELECT 2');
    const waiting = run('BLPOP q 0');
    await until(() => terminal.mode === 'busy');
    await terminal.interrupt();
    expect(await waiting).toBe('');
    expect(terminal.prompt).toBe('db[2]> ');
    await run('RPUSH q x');
    expect(await run('LLEN q')).toBe('(integer) 1\n');
    expect(await store.command('DBSIZE')).toBe(0);
  });

  it('shows keys that were cached and have changed', async () => {
    const { store, run, rest } = await session();
    await run('HELLO 3');
    await run('CLIENT TRACKING ON BCAST');
    rest();
    await store.command('SET', 'a', '1');
    await until(() => rest() === "-> invalidate: 'a'\n");
  });

  it('begins a new connection when the old one is killed', async () => {
    const { store, run, rest, terminal } = await session();
    const id = (await run('CLIENT ID')).match(/\d+/)![0];
    rest();
    await store.command('CLIENT', 'KILL', 'ID', id);
    await until(() => rest() !== '');
    expect(await run('PING')).toBe('PONG\n');
    expect(terminal.mode).toBe('idle');
  });

  it('runs a line several times, and stops when it is told to', async () => {
    const { run } = await session();
    expect(await run('3 INCR n')).toBe('(integer) 1\n(integer) 2\n(integer) 3\n');
    expect(await run('0 INCR n')).toMatch(/^Invalid repeat count/);
    expect(await run('3')).toMatch(/^\(error\) ERR unknown command '3'/);
  });

  it('lets the page have its turn while a line is repeated, so that it can be interrupted', async () => {
    const { store, terminal, run } = await session();
    const running = run('1000000000 INCR n');
    for (let turn = 0; turn < 3; turn += 1) await pageTurn();
    expect(terminal.mode).toBe('busy');
    await terminal.interrupt();
    await running;
    expect(terminal.mode).toBe('idle');
    const count = Number(await store.command('GET', 'n'));
    expect(count).toBeGreaterThan(1);
    expect(count).toBeLessThan(1_000_000_000);
  });

  it('ends a repeated line with itself', async () => {
    const { store, terminal, run } = await session();
    const running = run('1000000000 INCR n');
    await pageTurn();
    terminal.dispose();
    await running;
    expect(Number(await store.command('GET', 'n'))).toBeLessThan(1_000_000_000);
  });

  it('shows the beginning of what is too long', async () => {
    const { store, run } = await session();
    await store.command('SET', 'large', new Uint8Array(5_000_000));
    const text = await run('GET large');
    expect(text.length).toBeLessThan(1_100_000);
    expect(text).toMatch(/^"\\x00/);
    expect(text).toContain('only the beginning is shown');
    expect(await run('STRLEN large')).toBe('(integer) 5000000\n');
    await store.command('RPUSH', 'list', ...new Array<string>(50_000).fill('an element'));
    const items = await run('LRANGE list 0 -1');
    expect(items.length).toBeLessThan(1_100_000);
    expect(items).toContain('only the beginning is shown');
    expect(items).toMatch(/^ *1\) "an element"\n/);
  });

  it.each([
    ['MULTI', 'The transaction has ended'],
    ['SUBSCRIBE news', 'The subscription has ended'],
    ['MONITOR', 'MONITOR has ended'],
  ])('says that another database ends %s', async (line, note) => {
    const { terminal, run, rest } = await session();
    await run(line);
    rest();
    await terminal.select(4);
    expect(rest()).toBe(`${note}: database 4 was chosen.\n`);
    expect(terminal.mode).toBe('idle');
    expect(terminal.prompt).toBe('db[4]> ');
  });

  it('stays where it is when the other database does not exist', async () => {
    const { terminal, rest } = await session();
    await terminal.select(999);
    expect(rest()).toMatch(/^\(error\) ERR/);
    expect(terminal.currentDatabase).toBe(0);
  });

  it('is in no other database while a SELECT is only queued', async () => {
    const { terminal, run } = await session();
    await run('MULTI');
    await run('SELECT 3');
    expect(terminal.currentDatabase).toBe(0);
    await run('EXEC');
    expect(terminal.currentDatabase).toBe(3);
  });

  it('is in the database of the last SELECT of a transaction that was not refused', async () => {
    const { run, terminal } = await session();
    await run('SELECT 2');
    for (const line of ['MULTI', 'SET k 1', 'SELECT 5', 'SELECT 99', 'PING']) await run(line);
    expect(await run('EXEC')).toContain('(error) ERR DB index is out of range');
    expect(terminal.prompt).toBe('db[5]> ');
    for (const line of ['MULTI', 'SELECT 99']) await run(line);
    await run('EXEC');
    expect(terminal.prompt).toBe('db[5]> ');
  });

  it('leaves the database of a SELECT that was only queued', async () => {
    const { terminal, run } = await session();
    await run('SELECT 2');
    await run('MULTI');
    await run('SELECT 5');
    await run('quit');
    await until(() => terminal.mode === 'idle' && !terminal.prompt.includes('TX'));
    expect(terminal.prompt).toBe('db[2]> ');
  });

  it('counts channels and shard channels apart, and RESET leaves all', async () => {
    const { terminal, run } = await session();
    await run('SUBSCRIBE a');
    await run('SSUBSCRIBE b');
    await run('SUNSUBSCRIBE b');
    expect(terminal.mode).toBe('subscribed');
    await run('RESET');
    expect(terminal.mode).toBe('idle');
  });

  it('has commands of its own', async () => {
    const { run } = await session();
    expect(await run('clear')).toBe('<clear>');
    expect(await run(':set nohints')).toBe('<hints false>');
    expect(await run(':set colors')).toContain(':set hints');
    expect(await run('help get')).toContain('GET key\n');
    expect(await run('connect host 1')).toContain('in this tab');
    expect(await run('SET a "b')).toBe('Invalid argument(s)\n');
    await run('MULTI');
    await run('quit');
    expect(await run('PING')).toBe('PONG\n');
  });

  it('finds keys by their beginning, whatever bytes they have', async () => {
    const { store, terminal, run } = await session();
    await run('SELECT 1');
    await run('MSET user:1 a user:2 b us*r c other d');
    await run('SET "\\xff\\x00" e');
    const find = async (prefix: Uint8Array) =>
      (await terminal.findKeys(prefix, 10)).map((key) => Buffer.from(key).toString('latin1'));
    expect(await find(bytes('us'))).toEqual(['us*r', 'user:1', 'user:2']);
    expect(await find(bytes('us*'))).toEqual(['us*r']);
    expect(await find(Uint8Array.of(255))).toEqual(['\xff\x00']);
    expect(await store.command('DBSIZE')).toBe(0);
  });
});

describe('HELP', () => {
  it('tells about commands, subcommands, groups and itself', () => {
    expect(commandHelp(['zadd'])).toContain('ZADD key [NX|XX] [GT|LT] [CH] [INCR] score member');
    expect(commandHelp(['config', 'get'])).toContain('CONFIG GET parameter [parameter ...]');
    expect(commandHelp(['config'])).toContain('CONFIG SET');
    expect(commandHelp(['@hash'])).toContain('HGETALL key');
    expect(commandHelp(['@none'])).toContain('@string');
    expect(commandHelp([])).toContain('Ctrl-C');
    expect(commandHelp(['nosuch'])).toContain('NOSUCH');
  });
});
