import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import test from 'ava';
import { FlagValues } from '../../src/cli/flag-values.js';
import { inFlags, OPTION_FLAGS } from '../../src/cli/in-flags.js';
import { RUN_FLAGS, type RunFlagName } from '../../src/cli/run-flags.js';
import { StepError, UserError } from '../../src/index.js';
import { crt } from './crt.js';

const home = mkdtempSync(`${tmpdir()}/crt-test-`);
writeFileSync(`${home}/p.json`, '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["x"], "action": "no"}]}');
test.after.always(() => rmSync(home, { recursive: true }));

/** Whether the ids of this machine's file systems can be mapped is not asked. */
const HOST = ['--userns', 'host'];
const LONG = `/${'a'.repeat(5000)}`;

/** Each flag with what it does not take, alone or with others: words of the line, and what the message says in this order. */
const BAD: Readonly<Record<RunFlagName, readonly (readonly [line: string, ...says: string[]])[]>> = {
  env: [['-e =x', '-e "=x"']],
  'env-file': [
    ['--env-file /nope', '--env-file /nope'],
    ['--env-file /etc', '--env-file /etc'],
  ],
  workdir: [
    ['-w rel', '--workdir', '"rel"'],
    ['-w ', '--workdir', '""'],
    [`-w ${LONG}`, '--workdir /aaa', '4095'],
  ],
  user: [
    ['-u a:b:c', '--user', '"a:b:c"'],
    ['-u 01', '--user', '"01"'],
    ['-u 4294967295', '--user', '"4294967295"'],
  ],
  hostname: [['-h a_*', '--hostname', '"a_*"']],
  init: [['--init=x', '--init', '"x"']],
  interactive: [['-i=x', '--interactive', '"x"']],
  tty: [['-t=x', '--tty', '"x"']],
  rm: [
    ['--rm=x', '--rm', '"x"'],
    ['--rm --keep', '--keep and --rm'],
  ],
  memory: [
    ['-m lots', '--memory', '"lots"'],
    ['-m 5', '--memory 5'],
    ['-m 99999999999g', '--memory', '"99999999999g"'],
  ],
  'memory-swap': [
    ['--memory-swap 50', '--memory-swap 50:'],
    ['-m 50 --memory-swap 20', '--memory-swap: 20 MiB'],
    ['--memory-swap x', '--memory-swap', '"x"'],
    ['--memory-swap 5', '--memory-swap 5'],
  ],
  cpus: [
    ['--cpus x', '--cpus "x"'],
    ['--cpus 0.00', '--cpus 0.00: 0 is'],
    ['--cpus 99999', '--cpus: 99999'],
  ],
  'cpu-shares': [['-c 1', '--cpu-shares "1"']],
  'cpuset-cpus': [
    ['--cpuset-cpus x', '--cpuset-cpus', '"x"'],
    ['--cpuset-cpus 0,3-1', '--cpuset-cpus 0,3-1: the range 3-1'],
    ['--cpuset-cpus 9999', '--cpuset-cpus', '9999'],
  ],
  'pids-limit': [['--pids-limit 0', '--pids-limit "0"']],
  ulimit: [
    ['--ulimit x', '--ulimit "x"'],
    ['--ulimit nofil=5', '--ulimit nofil=5', '"nofil"'],
    ['--ulimit nofile=x', '--ulimit "nofile=x"'],
    ['--ulimit nofile=9:5', '--ulimit nofile: the soft limit 9'],
  ],
  timeout: [
    ['--timeout soon', '--timeout', '"soon"'],
    ['--timeout 0', '--timeout', '"0"'],
    ['--timeout 9999h', '--timeout', '"9999h"'],
  ],
  volume: [
    ['-v data:/data', '-v', '"data"'],
    ['-v /a', '-v "/a"'],
    ['-v /tmp:rel', '-v', '"rel"'],
    ['-v /tmp:/proc/x', '-v', '"/proc/x"'],
    ['-v /tmp:/data:bad', '-v "/tmp:/data:bad"'],
    ['--tmpfs /b -v /tmp:/a -v /nope:/data', '--volume /nope:/data', '"/nope" is not there'],
    ['-v /tmp:/a -v /etc:/a', '--volume /etc:/a', '--volume /tmp:/a already'],
  ],
  mount: [
    ['--mount type=x,target=/a', '--mount', '"x"'],
    ['--mount source=/tmp,target=a', '--mount target', '"a"'],
    ['--mount source=/nope,target=/a', '--mount source=/nope,target=/a', '"/nope" is not there'],
    ['--mount type=tmpfs,target=/a,tmpfs-size=x', '--mount tmpfs-size', '"x"'],
  ],
  tmpfs: [
    ['--tmpfs rel', '--tmpfs', '"rel"'],
    ['--tmpfs /a:size=0', '--tmpfs size', '"0"'],
    ['-v /tmp:/a --tmpfs /a', '--tmpfs /a', '--volume /tmp:/a already'],
  ],
  rootfs: [
    ['--rootfs ', '--rootfs must', '""'],
    ['--rootfs /nope', '--rootfs: /nope is not there'],
    ['--rootfs /etc/passwd', '--rootfs: /etc/passwd'],
    ['--rootfs /', '--rootfs: / is'],
    ['--rootfs /proc', '--rootfs: /proc'],
  ],
  'read-only': [
    ['--read-only=x', '--read-only', '"x"'],
    ['--read-only --writable-rootfs', '--read-only: --writable-rootfs'],
  ],
  'writable-rootfs': [
    ['--writable-rootfs=x', '--writable-rootfs', '"x"'],
    ['--writable-rootfs --rootfs host', '--writable-rootfs: '],
  ],
  'storage-size': [
    ['--storage-size x', '--storage-size', '"x"'],
    ['--storage-size 5', '--storage-size must', 'not 5'],
    ['--storage-size 1k', '--storage-size 1k must'],
    ['--storage-size 64m --writable-rootfs', '--storage-size 64m: with --writable-rootfs'],
  ],
  keep: [
    ['--keep=x', '--keep', '"x"'],
    ['--keep --writable-rootfs', '--keep: with --writable-rootfs'],
    ['--keep --storage-size 64m', '--keep: '],
  ],
  'cap-add': [
    ['--cap-add bogus', '--cap-add', '"bogus"'],
    ['--cap-add KILL --cap-add SYS_TIME --cap-drop KILL', '--cap-add: CAP_KILL', '--cap-drop'],
    ['--cap-add SETFCAP -v /tmp:/a', '--cap-add', 'CAP_SETFCAP'],
  ],
  'cap-drop': [['--cap-drop bogus', '--cap-drop', '"bogus"']],
  'security-opt': [
    ['--security-opt bogus', '--security-opt "bogus"'],
    ['--security-opt seccomp=/nope', '--security-opt seccomp: /nope cannot be read'],
    [`--security-opt seccomp=${home}/p.json`, `--security-opt seccomp: ${home}/p.json: syscalls[0].action must`],
    [`--security-opt seccomp=${LONG}`, '--security-opt seccomp', '4095'],
    ['--security-opt mask=kcore', '--security-opt mask', '"kcore"'],
    ['--security-opt unmask=/', '--security-opt unmask: /'],
    ['--security-opt unmask=/nope', '--security-opt unmask', '"/nope"'],
    ['--security-opt apparmor=', '--security-opt apparmor', '""'],
    ['--security-opt label=nested', '--security-opt label', '"nested"'],
  ],
  device: [
    ['--device kvm', '--device kvm', '"kvm"'],
    ['--device /nope', '--device /nope', '"/nope"'],
    ['--device /dev/zero --device /dev/nope:/dev/x', '--device /dev/nope:/dev/x: "/dev/nope" is not there'],
    ['--device /etc/passwd:/dev/x', '--device /etc/passwd:/dev/x', 'is not a device'],
    ['--device /dev/null:rel', '--device /dev/null:rel', '"rel"'],
    ['--device /dev/null:/dev/x:bad', '--device /dev/null:/dev/x:bad', '"bad"'],
    ['--device /dev/null:/dev/zero', '--device /dev/null:/dev/zero', '"/dev/zero"'],
    ['--device a:b:c:d', '--device "a:b:c:d"'],
  ],
  network: [
    ['--network bridge', '--network bridge'],
    ['--network ', "--network ''"],
  ],
  net: [['--net none --network host', '--network and --net']],
  userns: [
    ['--userns x', '--userns x'],
    ['--userns auto --privileged', '--userns auto: '],
  ],
  'group-add': [['--group-add staff', '--group-add', '"staff"']],
  privileged: [['--privileged=x', '--privileged', '"x"']],
  explain: [['--explain=x', '--explain=x']],
  'dry-run': [['--dry-run=x', '--dry-run', '"x"']],
  detach: [['-d=x', '--detach', '"x"']],
  restart: [
    ['-d --restart x', '--restart "x"'],
    ['-d --restart always --rm', '--restart always: '],
    ['--restart always', '--restart goes with -d'],
  ],
  'log-opt': [
    ['-d --log-opt x', '--log-opt "x"'],
    ['-d --log-opt max-size=x', '--log-opt max-size', '"x"'],
    ['-d --log-opt max-size=9', '--log-opt'],
    ['-d --log-opt max-file=3', '--log-opt'],
  ],
  entrypoint: [['--entrypoint sh', '--entrypoint']],
  image: [['--image x', '--image']],
  help: [['--help=x', '--help', '"x"']],
};

/** Fields that are no words of a message: `cwd`, `memorySwap`; and any with a part of it: `devices[0]`. */
const FIELDS = Object.keys(OPTION_FLAGS).map((field) => (/[A-Z]|cwd/.test(field) ? `\\b${field}\\b` : `(?<![\\w-])${field}[[.]\\w`));
const LIBRARYS = new RegExp(FIELDS.join('|'));

const asRoot = process.geteuid?.() === 0 ? test : test.skip;

for (const flag of Object.keys(RUN_FLAGS) as RunFlagName[]) {
  asRoot(`--${flag}: what it does not take is refused by the flag’s name and the word`, (t) => {
    for (const [line, ...says] of BAD[flag]) {
      const env = { CRT_ROOTFS: process.env['CRT_TEST_ROOTFS'] ?? 'host' };
      const { exitCode, stderr } = crt(['run', 'box', '--dry-run', ...(flag === 'userns' ? [] : HOST), ...line.split(' ')], { env });
      t.is(exitCode, 125, line);
      const [message = ''] = stderr.split('\n');
      let at = 0;
      for (const words of says) {
        t.true(message.includes(words, at), `${line}: ${message}`);
        at = message.indexOf(words, at) + words.length;
      }
      t.notRegex(stderr, LIBRARYS, line);
    }
  });
}

asRoot('a command that is empty text', (t) => {
  const { exitCode, stderr } = crt(['run', 'box', '--dry-run', '--', '']);
  t.is(exitCode, 125);
  t.regex(stderr, /^crt: COMMAND: the command is empty text$/m);
});

const values = new FlagValues<RunFlagName>(['--memory-swap=20', '--device=/dev/a b', '--user=x'], RUN_FLAGS);
const said = (message: string): string => (inFlags(new UserError(message), values) as UserError).message;

test('only a message that begins with an option is read, and in it no text of a stranger’s', (t) => {
  for (const other of [
    'the device memorySwap',
    'user namespaces may not be made',
    'memory.max cannot be set',
    '/x/devices[0]: no',
    'box: no',
  ])
    t.is(said(other), other);
  t.is(
    said('devices[0].source: "memorySwap" and /memorySwap are not memorySwap, nor "\\" memorySwap"'),
    `--device '/dev/a b': "memorySwap" and /memorySwap are not --memory-swap, nor "\\" memorySwap"`,
  );
  t.is(said('user: the memory of x is short'), '--user: the memory of x is short');
  t.is(said('devices[7]: no'), '--device: no');
});

test('the hint, the exit code and what else is thrown stay as they are', (t) => {
  const error = inFlags(new UserError('cpus: no', { hint: 'h', exitCode: 3 }), values) as UserError;
  t.like(error, { message: '--cpus: no', hint: 'h', exitCode: 3 });
  for (const other of [new TypeError('cpus: no'), new StepError('step 1 failed', { index: 0, op: 'x', errno: 1 }), 'cpus: no'])
    t.is(inFlags(other, values), other);
});
