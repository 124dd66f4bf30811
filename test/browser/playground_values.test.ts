// Values in the playground: what is not saved is not lost, and nothing is stored but what was typed.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { chromiumAvailable } from '../support/chromium.ts';
import {
  address,
  folderRow,
  keyRow,
  openKey,
  openPlayground,
  run,
  servePlayground,
} from './playground_page.ts';

servePlayground();

const dialog = (page: Page, text: string) => page.locator('dialog[open]', { hasText: text });
const button = (page: Page, name: string) => page.getByRole('button', { name, exact: true });

describe.skipIf(!chromiumAvailable())('a value that was typed into', () => {
  it('is asked about before another key, another database or no page is shown', async () => {
    const { page } = await openPlayground();
    await run(page, 'MSET a 1 b 2', 'OK');
    await openKey(page, 'a');
    await page.locator('.value-text').fill('typed');
    await keyRow(page, 'b').click();
    await dialog(page, 'Discard what you typed?').waitFor();
    // Enter means "Cancel".
    await page.keyboard.press('Enter');
    expect(await page.locator('.value-text').inputValue()).toBe('typed');
    await page.locator('#key-database').selectOption('3');
    await dialog(page, 'Discard what you typed?').waitFor();
    await page.keyboard.press('Escape');
    await expect.poll(() => page.locator('#key-database').inputValue()).toBe('0');
    const asked: string[] = [];
    page.on('dialog', (each) => {
      asked.push(each.type());
      void each.accept();
    });
    await page.reload();
    expect(asked).toEqual(['beforeunload']);
    await openKey(page, 'a');
    await page.locator('.value-text').fill('typed again');
    await keyRow(page, 'b').click();
    await button(page, 'Discard').click();
    await page.locator('.key-name', { hasText: 'b' }).waitFor();
    await run(page, 'GET a', '"1"');
  });

  it('stays when its key goes, and Save makes it again', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await openKey(page, 'a');
    await page.locator('.value-text').fill('typed');
    await run(page, 'DEL a', '(integer) 1');
    await page.locator('.notice', { hasText: 'Save makes it again' }).waitFor();
    expect(await page.locator('.value-text').inputValue()).toBe('typed');
    await button(page, 'Save').click();
    await page.locator('.toast', { hasText: 'Saved' }).waitFor();
    await run(page, 'GET a', '"typed"');
    await page.locator('.value-text').fill('typed again');
    await run(page, 'DEL a', '(integer) 1');
    await run(page, 'LPUSH a x', '(integer) 1');
    await page.locator('.notice', { hasText: 'The key holds a list' }).waitFor();
    await button(page, 'Save').click();
    await page.locator('.toast.error', { hasText: 'holds a list by now' }).waitFor();
    await run(page, 'TYPE a', 'list');
  });

  it('is not put in place of what others wrote before they were heard of', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await openKey(page, 'a');
    const text = page.locator('.value-text');
    await text.fill('mine');
    await text.evaluate((field) => {
      const data = new DataTransfer();
      data.setData('text/plain', 'SET a theirs\n');
      document
        .querySelector('.xterm-helper-textarea')!
        .dispatchEvent(new ClipboardEvent('paste', { clipboardData: data, bubbles: true }));
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 's', ctrlKey: true }));
    });
    await page.locator('.toast.error', { hasText: 'was changed elsewhere meanwhile' }).waitFor();
    await page.locator('.notice', { hasText: 'Saving replaces that' }).waitFor();
    expect(await text.inputValue()).toBe('mine');
    await run(page, 'GET a', '"theirs"');
    await button(page, 'Save').click();
    await page.locator('.toast', { hasText: 'Saved' }).waitFor();
    await run(page, 'GET a', '"mine"');
  });

  it('keeps what is typed while it is being saved', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await openKey(page, 'a');
    const text = page.locator('.value-text');
    await text.fill('saved');
    await text.evaluate((field: HTMLTextAreaElement) => {
      field.dispatchEvent(new KeyboardEvent('keydown', { key: 's', ctrlKey: true }));
      field.value = 'saved, and more';
      field.dispatchEvent(new InputEvent('input'));
    });
    await page.locator('.toast', { hasText: 'Saved' }).waitFor();
    await run(page, 'GET a', '"saved"');
    expect(await text.inputValue()).toBe('saved, and more');
    expect(await page.locator('.notice', { hasText: 'changed elsewhere' }).isVisible()).toBe(false);
    await button(page, 'Save').click();
    await run(page, 'STRLEN a', '(integer) 15');
  });

  it('is stored as it was but for that: numbers, one line, bytes in another form', async () => {
    const { page } = await openPlayground();
    await run(page, `SET doc '{"id":12345678901234567890,"n":1.0}'`, 'OK');
    await openKey(page, 'doc');
    const text = page.locator('.value-text');
    const shown = '{\n  "id": 12345678901234567890,\n  "n": 1.0\n}';
    await expect.poll(() => text.inputValue()).toBe(shown);
    await text.fill(shown.replace('1.0', '2.0'));
    await text.press('Control+s');
    await run(page, 'GET doc', '"{\\"id\\":12345678901234567890,\\"n\\":2.0}"');
    await button(page, 'Hex').click();
    await text.fill('ff 00');
    await button(page, 'Text').click();
    expect(await text.inputValue()).toBe('"\\xff\\x00"');
    await button(page, 'Save').click();
    await page.locator('.toast', { hasText: 'Saved' }).first().waitFor();
    await run(page, 'STRLEN doc', '(integer) 2');
  });
});

describe.skipIf(!chromiumAvailable())('a cell', () => {
  it('with a carriage return is left as it is', async () => {
    const { page } = await openPlayground();
    await run(page, 'HSET h f "a\\r\\nb"', '(integer) 1');
    await openKey(page, 'h');
    await page.locator('.cell', { hasText: '"a\\r\\nb"' }).click();
    await page.locator('.cell-editor').press('Enter');
    await page.locator('.cell-editor').waitFor({ state: 'detached' });
    await run(page, 'HGET h f', '"a\\r\\nb"');
  });

  it('keeps what is typed, and no focus, while others change the value', async () => {
    const { page } = await openPlayground();
    await run(page, 'RPUSH l a b', '(integer) 2');
    await openKey(page, 'l');
    await page.locator('.cell', { hasText: 'b' }).click();
    await page.locator('.cell-editor').fill('mine');
    // Leaving the field saves it: here it cannot.
    await page.evaluate(() => {
      Object.defineProperty(document, 'hasFocus', { value: () => false, configurable: true });
    });
    await run(page, 'LPUSH l first', '(integer) 3');
    await page.locator('.pane-foot', { hasText: '3 elements' }).waitFor();
    expect(await page.locator('.cell-editor').inputValue()).toBe('mine');
    expect(await page.evaluate(() => document.activeElement?.className)).not.toContain('cell');
    await page.locator('.cell-editor').press('Enter');
    await page.locator('.toast.error', { hasText: 'changed elsewhere' }).waitFor();
    await run(page, 'LRANGE l 0 -1', '3) "b"');
  });

  it('is found among many, and very long ones are shown in part', async () => {
    const { page } = await openPlayground();
    await run(page, 'SADD s needle:1 needle:2 hay', '(integer) 3');
    await run(page, 'HSET h e 1', '(integer) 1');
    await openKey(page, 'h');
    await page.locator('.add-row').getByLabel('Field').fill('f');
    await page.locator('.add-row').getByLabel('Value').fill('x'.repeat(2100));
    await button(page, 'Add field').click();
    const cell = page.locator('.cell', { hasText: '(2.1 KiB)' });
    expect((await cell.textContent())!.length).toBeLessThan(2080);
    await cell.click();
    expect(await page.locator('.cell-editor').inputValue()).toHaveLength(2100);
    await page.locator('.cell-editor').press('Escape');
    await openKey(page, 's');
    await page.locator('.find-elements').fill('needle');
    await page.locator('.pane-foot', { hasText: '2 of 3 members' }).waitFor();
    expect(await page.locator('.cell', { hasText: 'hay' }).count()).toBe(0);
  });
});

describe.skipIf(!chromiumAvailable())('the name of a key', () => {
  it('that is no text is shown, renamed and made with its bytes between quotes', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET "\\xff\\x01" 1', 'OK');
    await page.getByTitle('\\xff\\x01', { exact: true }).first().click();
    await button(page, 'Rename').click();
    expect(await page.getByLabel('New name').inputValue()).toBe('"\\xff\\x01"');
    await page.keyboard.press('Enter');
    await page.locator('dialog').waitFor({ state: 'detached' });
    await run(page, 'EXISTS "\\xff\\x01"', '(integer) 1');
    await button(page, 'Rename').click();
    await page.getByLabel('New name').fill('"\\xfe"');
    await page.keyboard.press('Enter');
    await page.getByTitle('\\xfe', { exact: true }).first().waitFor();
    await run(page, 'GET "\\xfe"', '"1"');
  });

  it('keeps its row at hand and its folders open while keys come and go', async () => {
    const { page } = await openPlayground();
    await run(page, 'MSET user:1:a 1 user:2:a 1 visits 1', 'OK');
    await page.locator('#key-filter').fill('user');
    await folderRow(page, '1').click();
    await keyRow(page, 'user:1:a').waitFor({ state: 'detached' });
    await run(page, 'SET user:0:a 1', 'OK');
    await keyRow(page, 'user:0:a').waitFor();
    expect(await keyRow(page, 'user:1:a').count()).toBe(0);
    expect(await page.locator('.row.active .name').textContent()).toBe('1');
    expect(await page.locator('.row.active').getAttribute('aria-posinset')).toBe('2');
    expect(await page.locator('.row.active').getAttribute('aria-setsize')).toBe('3');
  });

  it('is scrolled to in a folder that opens for it', async () => {
    const { page } = await openPlayground();
    await run(page, 'DEBUG POPULATE 300 f 8', 'OK');
    await folderRow(page, 'f').waitFor();
    await button(page, 'New key').click();
    await page.locator('dialog').getByLabel('Name').fill('f:zzz');
    await button(page, 'Create').click();
    await keyRow(page, 'f:zzz').waitFor();
    await expect.poll(() => keyRow(page, 'f:zzz').getAttribute('class')).toContain('active');
    const [list, row] = [page.locator('#key-list'), keyRow(page, 'f:zzz')];
    const [outer, inner] = [(await list.boundingBox())!, (await row.boundingBox())!];
    expect(inner.y).toBeGreaterThanOrEqual(outer.y);
    expect(inner.y + inner.height).toBeLessThanOrEqual(outer.y + outer.height + 1);
  });

  it('is followed through SWAPDB', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET here 1', 'OK');
    await keyRow(page, 'here').waitFor();
    await run(page, 'SWAPDB 0 1', 'OK');
    await keyRow(page, 'here').waitFor({ state: 'detached' });
  });
});

describe.skipIf(!chromiumAvailable())('when a key expires', () => {
  it('is never set to nothing, which would delete the key', async () => {
    const { page } = await openPlayground();
    await run(page, 'SET a 1', 'OK');
    await openKey(page, 'a');
    await button(page, 'Set when it expires').click();
    await page.getByLabel('Seconds from now').fill('0');
    await page.keyboard.press('Enter');
    await page.locator('dialog .fault', { hasText: '1 or more' }).waitFor();
    await page.getByLabel('Seconds from now').fill('500');
    await page.keyboard.press('Enter');
    await page.locator('.key-facts', { hasText: 'expires in' }).waitFor();
  });
});

describe.skipIf(!chromiumAvailable())('a dialog', () => {
  it('stays when a drag that began in it ends beside it', async () => {
    const { page } = await openPlayground();
    await page.goto(`${address}#/data`);
    await button(page, 'Delete everything …').click();
    const box = (await page.locator('dialog h2').boundingBox())!;
    await page.mouse.move(box.x + 4, box.y + 4);
    await page.mouse.down();
    await page.mouse.move(5, 5);
    await page.mouse.up();
    expect(await page.locator('dialog').isVisible()).toBe(true);
    await page.mouse.click(5, 5);
    await page.locator('dialog').waitFor({ state: 'detached' });
  });
});

describe.skipIf(!chromiumAvailable())('a cell that is left', () => {
  const cell = (page: Page, text: string) =>
    page.getByRole('cell').getByRole('button', { name: text, exact: true });
  const editor = (page: Page) => page.locator('.cell-editor');
  const focused = (page: Page) => page.evaluate(() => document.activeElement?.outerHTML ?? '');

  it('for another one opens that one, though all moves up', async () => {
    const { page } = await openPlayground();
    await run(page, 'RPUSH l one two three', '(integer) 3');
    await openKey(page, 'l');
    await cell(page, 'one').click();
    for (const text of ['two', 'three', 'one']) {
      await cell(page, text).click();
      await expect.poll(() => editor(page).inputValue()).toBe(text);
    }
    await editor(page).fill('1');
    await cell(page, 'three').click();
    await expect.poll(() => editor(page).inputValue()).toBe('three');
    await run(page, 'LRANGE l 0 0', '1) "1"');
  });

  it('for another one stays open when it cannot be saved', async () => {
    const { page } = await openPlayground();
    await run(page, 'HSET h a 1 b 2', '(integer) 2');
    await openKey(page, 'h');
    await cell(page, 'a').click();
    await editor(page).fill('b');
    await cell(page, '2').click();
    await page.locator('.toast.error', { hasText: 'There is a field b already' }).waitFor();
    expect(await editor(page).inputValue()).toBe('b');
    await expect.poll(() => focused(page)).toContain('cell-editor');
    await page.keyboard.press('Escape');
    await cell(page, '2').click();
    await expect.poll(() => editor(page).inputValue()).toBe('2');
    await run(page, 'HGET h a', '"1"');
  });

  it('for another key is saved, and nobody asks whether it is to be discarded', async () => {
    const { page } = await openPlayground();
    await run(page, 'RPUSH l one', '(integer) 1');
    await run(page, 'SET other 1', 'OK');
    await openKey(page, 'l');
    await cell(page, 'one').click();
    await editor(page).fill('1');
    await keyRow(page, 'other').click();
    await page.locator('.key-name', { hasText: 'other' }).waitFor();
    expect(await page.locator('dialog[open]').count()).toBe(0);
    await run(page, 'LRANGE l 0 0', '1) "1"');
  });

  it('with the keyboard leaves the focus where it was, and a key that is closed gives it back', async () => {
    const { page } = await openPlayground();
    await run(page, 'RPUSH l one two', '(integer) 2');
    await openKey(page, 'l');
    await cell(page, 'one').click();
    await editor(page).press('Escape');
    await expect.poll(() => focused(page)).toContain('>one<');
    await page.keyboard.press('Enter');
    await editor(page).fill('1');
    await editor(page).press('Enter');
    await expect.poll(() => focused(page)).toContain('>1<');
    await button(page, 'Remove 1').press('Enter');
    await expect.poll(() => focused(page)).toContain('Elements');
    await button(page, 'Close').press('Enter');
    await expect.poll(() => focused(page)).toContain('id="key-list"');
  });
});
