// Classes 2, 5 and 12 for `crt cp`: who lives in a container swaps folders and links while files are copied, and makes hostile archives.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { PassThrough, Readable } from 'node:stream';
import { copyFrom, copyTo, type MountOption, remove, runDetached, wait } from '../../src/index.js';
import { beside, shell } from '../e2e/beside.js';
import { box, descendants, e2e, folder, ROOTFS, readProc, serial } from '../e2e/support.js';
import { inTime } from '../in-time.js';

const ROUNDS = 25;

/** Swaps the folder `d` for a link and back, as fast as it can. */
const SWAP = (place: string, victim: string): string[] => [
  'python3',
  '-c',
  `
import ctypes, os
libc = ctypes.CDLL(None)
os.makedirs('${place}/d', exist_ok=True)
open('${place}/d/own', 'w').write('own')
os.symlink('${victim}', '${place}/l')
open('/var/swapping', 'w')
while True: libc.renameat2(-100, b'${place}/d', -100, b'${place}/l', 2)`,
];

/** Runs `work` while a container swaps. */
async function whileSwapping(
  t: Parameters<typeof beside>[0],
  { place, victim, mounts = [] }: { place: string; victim: string; mounts?: MountOption[] },
  work: (name: string) => Promise<void>,
): Promise<void> {
  for (const userns of ['auto', 'host'] as const) {
    const during = async (name: string): Promise<void> => {
      await shell(name, 'until test -e /var/swapping; do sleep 0.05; done');
      await work(name);
    };
    await beside(t, during, { userns, mounts, command: SWAP(place, victim) });
    rmSync(`${victim}/../shared`, { recursive: true, force: true });
    mkdirSync(`${victim}/../shared`, { mode: 0o777 });
  }
}

async function prepare(t: Parameters<typeof beside>[0]): Promise<{ here: string; victim: string; shared: string }> {
  const here = await folder(t);
  const [victim, shared] = [`${here}/victim`, `${here}/shared`];
  mkdirSync(victim);
  mkdirSync(shared);
  writeFileSync(`${victim}/secret`, 'secret of the host');
  mkdirSync(`${here}/tree/d`, { recursive: true });
  for (let n = 0; n < 40; n++) writeFileSync(`${here}/tree/d/f${n}`, `${n}`);
  return { here, victim, shared };
}

e2e('a folder is swapped for a link to a folder of the host: nothing of it is read, nothing is written to it', async (t) => {
  const { here, victim } = await prepare(t);
  await whileSwapping(t, { place: '/tmp', victim }, async (name) => {
    for (let round = 0; round < ROUNDS; round++) {
      await copyFrom(name, '/tmp', `${here}/out`).catch(() => {});
      await copyFrom(name, '/tmp/d/.', `${here}/out2`, { followLink: true }).catch(() => {});
      await copyTo(`${here}/tree/.`, name, '/tmp').catch(() => {});
      await copyTo(`${here}/tree/d/f1`, name, '/tmp/d/secret').catch(() => {});
      t.false(holds(`${here}/out`, 'secret') || holds(`${here}/out2`, 'secret'));
      for (const path of ['out', 'out2']) rmSync(`${here}/${path}`, { recursive: true, force: true });
    }
  });
  t.deepEqual(readdirSync(victim), ['secret']);
  t.is(readFileSync(`${victim}/secret`, 'utf8'), 'secret of the host');
});

/** In real folders: a link is copied as one. */
function holds(directory: string, name: string): boolean {
  const entries = existsSync(directory) ? readdirSync(directory, { withFileTypes: true, recursive: true }) : [];
  return entries.some((entry) => entry.name === name && entry.isFile() && readFileSync(`${entry.parentPath}/${name}`, 'utf8') !== '1');
}

e2e('the same in a folder of the host that the container shares: also the side of the host follows no link', async (t) => {
  const { here, victim, shared } = await prepare(t);
  await whileSwapping(t, { place: '/shared', victim, mounts: [{ source: shared, target: '/shared' }] }, async (name) => {
    await copyTo(`${here}/tree`, name, '/opt');
    for (let round = 0; round < ROUNDS; round++) {
      await copyFrom(name, '/opt/tree/.', shared).catch(() => {});
      await shell(name, 'rm -rf /opt/in');
      await copyTo(shared, name, '/opt/in').catch(() => {});
      t.is((await shell(name, 'cat /opt/in/*/secret 2>/dev/null')).stdout, '');
    }
    t.deepEqual(readdirSync(victim), ['secret']);
  });
});

interface Entry {
  readonly name: string;
  readonly type?: string;
  readonly link?: string;
  readonly content?: string;
  readonly raw?: (header: Buffer) => void;
}

function tar(entries: readonly Entry[]): Buffer {
  const blocks = entries.flatMap(({ name, type = '0', link = '', content = '', raw = () => {} }) => {
    const header = Buffer.alloc(512);
    header.write(name, 0, 'latin1');
    header.write('0000644\x000000000\x000000000\0', 100);
    header.write(`${content.length.toString(8).padStart(11, '0')}\x0000000000000\0        ${type}${link}`, 124, 'latin1');
    header.write('ustar\x0000', 257, 'latin1');
    raw(header);
    const sum = header.reduce((all, byte) => all + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
    body.write(content, 'latin1');
    return [header, body];
  });
  return Buffer.concat([...blocks, Buffer.alloc(1024)]);
}

e2e('hostile archives stay in the folder that they are unpacked to', async (t) => {
  const { here, victim } = await prepare(t);
  const record = (key: string, value: string): string => {
    const rest = key.length + value.length + 3;
    return `${rest + String(rest + 2).length} ${key}=${value}\n`;
  };
  const hostile: Entry[][] = [
    [{ name: '../up', content: 'x' }],
    [{ name: 'a/../../up', content: 'x' }],
    [
      { name: 'x', type: 'x', content: record('path', '../up') },
      { name: 'fine', content: 'x' },
    ],
    [
      { name: 'x', type: 'L', content: `${'d/'.repeat(60)}../up` },
      { name: 'fine', content: 'x' },
    ],
    [
      { name: 'l', type: '2', link: '/etc' },
      { name: 'l/passwd', content: 'x' },
    ],
    [
      { name: 'l', type: '2', link: '..' },
      { name: 'l/up', content: 'x' },
    ],
    [
      { name: 'l', type: '2', link: victim },
      { name: 'l/up', content: 'x' },
    ],
    [{ name: 'hard', type: '1', link: '../../etc/passwd' }],
    [
      { name: 'l', type: '2', link: '/etc' },
      { name: 'hard', type: '1', link: 'l/passwd' },
    ],
    [{ name: 'x', type: 'x', content: '99 path=a\n' }],
    [{ name: 'x', type: 'x', content: '-1 path=a\n' }],
    [{ name: 'x', type: 'x', content: 'path\n' }],
    [{ name: 'size', raw: (header) => header.fill(0xff, 124, 136) }],
    [{ name: 'size', raw: (header) => header.write('77777777777', 124) }],
    [{ name: 'uid', raw: (header) => header.fill(0xff, 108, 116) }],
    [{ name: 'uid', raw: (header) => header.write('\x80\0\0\x01\0\0\0\0', 108, 'latin1') }],
    [{ name: '', content: 'x' }],
  ];
  for (const userns of ['auto', 'host'] as const) {
    await beside(
      t,
      async (name) => {
        const state = 'md5sum /etc/passwd; ls -la /tmp /tmp/deep; ls /';
        await shell(name, 'mkdir -p /tmp/deep/here');
        const before = (await shell(name, state)).stdout.replaceAll(/\d\d:\d\d/g, '');
        for (const entries of hostile) {
          await t.throwsAsync(copyTo(new PassThrough().end(tar(entries)), name, '/tmp/deep/here'), undefined, JSON.stringify(entries));
          await shell(name, 'rm -rf /tmp/deep/here/*');
        }
        // Absolute names are below the folder, and devices are left out.
        const fine: Entry[] = [
          { name: '/etc/passwd', content: 'x' },
          { name: 'null', type: '3' },
        ];
        t.deepEqual((await copyTo(new PassThrough().end(tar(fine)), name, '/tmp/deep/here')).leftOut.length, 1);
        t.is((await shell(name, 'cd /tmp/deep/here; find . -type f; rm -rf etc')).stdout, './etc/passwd\n');
        t.is((await shell(name, state)).stdout.replaceAll(/\d\d:\d\d/g, ''), before);
      },
      { userns },
    );
  }
  t.deepEqual(readdirSync(victim), ['secret']);
  t.false(existsSync(`${here}/up`));
});

e2e('links on the way lead no further than the root of the container, also of one that is stopped', async (t) => {
  const { here, victim } = await prepare(t);
  const plant = `ln -s ${victim} /opt/abs; ln -s ../../../../../../..${victim} /opt/rel; ln -s /proc/1/root /opt/magic`;
  const tryAll = async (name: string): Promise<void> => {
    for (const link of ['abs', 'rel', 'magic']) {
      await t.throwsAsync(copyFrom(name, `/opt/${link}/secret`, here), { message: /no such file|cannot read/ }, link);
      await t.throwsAsync(copyFrom(name, `/opt/${link}/`, `${here}/all`), { message: /no such file|cannot read/ }, link);
      await t.throwsAsync(copyTo(`${here}/tree/d`, name, `/opt/${link}/x`), undefined, link);
      await t.throwsAsync(copyTo(`${here}/tree/d/f1`, name, `/opt/${link}/up`), undefined, link);
    }
    t.deepEqual(readdirSync(victim), ['secret']);
  };
  await beside(t, async (name) => {
    await shell(name, plant);
    await tryAll(name);
  });
  for (const userns of ['auto', 'host'] as const) {
    const name = box(t);
    t.teardown(() => void remove(name, { force: true }));
    await runDetached({ name, rootfs: ROOTFS, userns, command: ['sh', '-c', plant] });
    await wait(name);
    await tryAll(name);
  }
});

// Alone: a helper of another test that is still on its way would be taken for it.
serial('who copies has no right but over files, is nobody of the host, and is not seen inside', (t) =>
  beside(t, async (name) => {
    const stream = new PassThrough({ highWaterMark: 1 });
    const copied = copyFrom(name, '/usr/bin/.', stream);
    await inTime('the first bytes', Promise.race([once(stream, 'readable'), copied]));
    const workers = descendants('crt-init').map((pid) => readProc(pid, 'status'));
    const [worker] = workers.filter((status) => /^Uid:\s+[1-9]/m.test(status));
    t.regex(worker ?? '', /^CapEff:\s+000000000000001b$/m);
    t.regex(worker ?? '', /^CapBnd:\s+000000000000001b$/m);
    t.regex(worker ?? '', /^NoNewPrivs:\s+1$/m);
    t.is((await shell(name, 'cat /proc/[0-9]*/comm | grep -c crt-init')).stdout, '0\n');
    stream.resume();
    await copied;
  }),
);

e2e('set-id bits are kept in the container’s own files, and never in a folder of the host, by whatever way it is reached', async (t) => {
  const { here, shared } = await prepare(t);
  writeFileSync(`${here}/su`, 'x');
  chmodSync(`${here}/su`, 0o6755);
  const mounts = [{ source: shared, target: '/vol' }];
  await beside(
    t,
    async (name) => {
      await shell(name, 'ln -s /vol /opt2');
      for (const place of ['/vol/a', '/opt2/b']) {
        await copyTo(`${here}/su`, name, place);
        await copyTo(`${here}/su`, name, place, { archive: true });
      }
      const packed = execFileSync('tar', ['-C', here, '-c', 'su']);
      await copyTo(Readable.from([packed]), name, '/opt2');
      await copyTo(`${here}/su`, name, '/tmp/own');
      t.is((await shell(name, 'stat -c %a /tmp/own')).stdout, '6755\n');
    },
    { mounts },
  );
  t.deepEqual(readdirSync(shared).sort(), ['a', 'b', 'su']);
  for (const file of readdirSync(shared)) t.is(statSync(`${shared}/${file}`).mode & 0o7000, 0, file);
});
