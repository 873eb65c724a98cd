import { appendFileSync, existsSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import test, { type ExecutionContext } from 'ava';
import { dir } from 'tmp-promise';
import { markEnd, readLog } from '../../src/logs/files.js';

async function folder(t: ExecutionContext): Promise<string> {
  const { path, cleanup } = await dir({ unsafeCleanup: true, prefix: 'crt-logs' });
  t.teardown(cleanup);
  return path;
}

/** As the monitor does it (helper/log.c). */
function rotate(directory: string, files: number): void {
  const name = (number: number): string => `${directory}/log${number === 0 ? '' : `.${number}`}`;
  for (let number = files - 1; number > 0; number--) if (existsSync(name(number - 1))) renameSync(name(number - 1), name(number));
  if (files === 1) rmSync(name(0));
  writeFileSync(name(0), '');
}

async function all(events: AsyncIterable<Buffer | string>): Promise<string> {
  let text = '';
  for await (const event of events) text += typeof event === 'string' ? `<${event}>` : event.toString();
  return text;
}

test('all files, the oldest first; others in the folder are none of it', async (t) => {
  const path = await folder(t);
  for (const [file, text] of [
    ['log.10', 'a'],
    ['log.9', 'b'],
    ['log', 'c'],
    ['log.txt', 'no'],
    ['options.json', 'no'],
  ] as const)
    writeFileSync(`${path}/${file}`, text);
  for (let number = 1; number < 9; number++) writeFileSync(`${path}/log.${number}`, '');
  t.is((await all(readLog(path))).replaceAll('<next>', ''), 'abc');
  t.is(await all(readLog(await folder(t))), '');
});

test('while a rotation has taken the first name away, or stands in its middle, the rest is found', async (t) => {
  const path = await folder(t);
  writeFileSync(`${path}/log.1`, 'b');
  writeFileSync(`${path}/log.3`, 'a');
  t.is(await all(readLog(path)), 'a<next>b');
});

test('a follower that is some files behind when all is over still gets them', async (t) => {
  const path = await folder(t);
  writeFileSync(`${path}/log`, '0');
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const events = readLog(path, { ended });
  t.deepEqual((await events.next()).value, Buffer.from('0'));
  // It is not asked for the next piece meanwhile: a slow reader.
  for (let number = 1; number < 5; number++) {
    appendFileSync(`${path}/log`, `${number}`);
    rotate(path, 10);
  }
  appendFileSync(`${path}/log`, '5');
  end();
  await ended;
  t.is((await all(events)).replaceAll('<next>', ''), '12345');
});

test('rotated at any moment, as fast as it goes: a follower and who begins in the middle miss nothing and get nothing twice', async (t) => {
  const path = await folder(t);
  writeFileSync(`${path}/log`, '');
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const count = 2400;
  const follower = all(readLog(path, { ended }));
  const late: Promise<string>[] = [];
  for (let number = 0; number < count; number++) {
    appendFileSync(`${path}/log`, `${number} `);
    if (number % 3 === 0) rotate(path, 1000);
    if (number % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
    if (number % 300 === 0) late.push(all(readLog(path, { ended })));
  }
  end();
  const whole = Array.from({ length: count }, (_, number) => `${number} `).join('');
  const words = (text: string): string => text.replaceAll(/<[a-z-]+>/g, '');
  t.true(words(await follower) === whole);
  for (const text of await Promise.all(late)) t.true(words(text) === whole);
});

test('from a mark: only what is added after it', async (t) => {
  const path = await folder(t);
  writeFileSync(`${path}/log.1`, 'old');
  writeFileSync(`${path}/log`, 'before');
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  const events = readLog(path, { ended, from: markEnd(path) ?? { inode: 0, size: 0 } });
  appendFileSync(`${path}/log`, 'after');
  rotate(path, 3);
  appendFileSync(`${path}/log`, 'wards');
  end();
  t.is(await all(events), 'after<next>wards');
});
