import { bundles, startChromium, startSite } from './support/chromium.ts';
import { bundleTests, familyFiles } from './browser/page_bundle.ts';
import path from 'node:path';
import { root } from './support/chromium.ts';
const names = process.argv[3] ? process.argv[3].split(',') : familyFiles();
const script = await bundleTests(path.join(root, 'test/family'), names);
const site = await startSite({ '/': bundles + '/' }, (p) => p === '/tests.js' ? { text: script, type: 'text/javascript' } : undefined);
const browser = await startChromium();
const isWorker = process.argv[2] === 'worker';
for (const name of names) {
  const page = await browser.newPage();
  page.on('pageerror', m => console.log('pageerror', m));
  page.on('console', m => m.type() === 'error' && console.log('console', m.text()));
  await page.goto(site.origin + '/empty.html');
  const t = Date.now();
  const out: any[] = await page.evaluate(async ([name, isWorker]) => {
    const { runFile } = await import('/tests.js' as string);
    return runFile(name, { program: '/respite.js', isWorker });
  }, [name, isWorker] as const);
  const n = (s: string) => out.filter(o => o.state === s).length;
  console.log(name, 'passed', n('passed'), 'failed', n('failed'), 'skipped', n('skipped'), Date.now() - t, 'ms');
  for (const o of out) if (o.state === 'failed') console.log('   FAILED', o.titles.join(' > '), '\n      ', o.error.split('\n').slice(0, 4).join('\n       '));
  await page.close();
}
await browser.close(); await site.close();
