import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { PATIENCE } from '../in-time.js';
import { crt, ROOT } from './crt.js';

/** Command lines that end before anything is looked at, and what they say. */
const REFUSED: readonly (readonly [line: string, ...says: RegExp[]])[] = [
  ['run', /crt run needs a name/, /sudo crt run mycontainer/],
  ['run -- ', /is not a container name/],
  ['run ../x', /is not a container name/],
  ['run box --memroy 50', /crt run has no flag --memroy/, /did you mean --memory\?/],
  ['run box -x', /crt run has no flag -x/, /comes after --/],
  ['run box --memory', /--memory needs a value/],
  ['run box --memory lots', /is not a size/],
  ['run box --memory 5', /6 MiB/],
  ['run box --cpus many', /--cpus "many" is not a number/],
  ['run box --pids-limit 0', /--pids-limit/],
  ['run box --timeout soon', /is not a time/],
  ['run box --ulimit nofil=5', /did you mean nofile\?/],
  ['run box -v data:/data', /named volumes/],
  ['run box --tmpfs relative', /--tmpfs/],
  ['run box --init=maybe', /--init is true or false/],
  ['run box --keep --rm', /contradict/],
  ['run box --explain=yaml', /no form/],
  ['run box --env-file /nonexistent/file', /--env-file \/nonexistent\/file cannot be read: no such file or directory/],
  ['run box --image x', /--image is not built yet/],
  ['run box --entrypoint sh', /--entrypoint is not built yet/],
  ['run box --network bridge', /--network bridge is not built yet/, /none, host/],
  ['run box --net container:x', /--net container:x is not built yet/],
  ['run box --network none --net host', /contradict/],
  ['run box --userns keep-id', /--userns keep-id is not built yet/, /auto, host/],
  ['run box --cap-add NET_ADMN', /--cap-add: "NET_ADMN" is not a capability/, /did you mean CAP_NET_ADMIN\?/],
  ['run box --cap-drop KILL,,CHOWN', /--cap-drop: "" is not a capability/],
  ['run box --security-opt secomp=unconfined', /does not know this/, /did you mean seccomp\?/, /systempaths=unconfined/],
  ['run box --security-opt bogus', /does not know this/, /label=disable/],
  ['run box --security-opt seccomp', /seccomp needs a value/],
  ['run box --security-opt no-new-privileges=maybe', /true or false/],
  ['run box --security-opt mask=kcore', /"kcore" is not an absolute path/],
  ['run box --security-opt label=nested', /"nested" is not an SELinux context/],
  ['run box --device kvm', /"kvm" is not an absolute path of the host/],
  ['run box --device /dev/kvm:/dev/kvm:rx', /"rx" is not an access/],
  ['run box --device /dev/kvm:/srv/kvm', /none works outside \/dev/],
  ['run box --group-add staff', /"staff" is not a group id/],
  ['run box --image debian', /--image is not built yet/, /--rootfs DIR/],
  ['doctor kernl', /crt doctor has no group or check "kernl"/, /groups: environment install/],
  ['doctor --explain helpr', /crt doctor has no check "helpr"/, /did you mean: crt doctor --explain helper/],
  ['doctor --explain', /--explain needs a value/],
  ['doctor --json --fix-script', /--json and --fix-script exclude each other|--fix-script and --json exclude each other/],
  ['doctor --bogus', /crt doctor has no flag --bogus/, /crt doctor --help/],
  ['exec', /crt exec needs the name of a container and a command/],
  ['exec box', /crt exec needs a command/, /sudo crt exec box -- sh/],
  ['exec box -dt sh', /--tty: with -d/],
  ['exec box -d --timeout 5 sh', /--timeout: with -d/],
  ['exec box --memory 5 sh', /crt exec has no flag --memory/, /crt exec box -- COMMAND/],
  ['exec box -u', /-u needs a value/, /crt exec --help/],
  ['pull --help', /crt pull is not built yet/],
  ['rum box', /no command "rum"/, /did you mean: crt run/],
  ['frobnicate', /no command "frobnicate"/, /crt --help/],
  ['ps --bogus', /crt ps has no flag --bogus/, /crt ps --help/],
  ['ps -x', /crt ps has no flag -x/],
  ['ps extra', /crt ps takes no such word: "extra"/],
  ['ps --filter', /--filter needs a value/],
  ['ps --last x', /--last "x" is not a whole number/, /crt ps -n 5/],
  ['ps --json --format json', /--json and --format exclude each other|--format and --json exclude each other/],
  ['ps --filter label=x', /unknown filter "label=x"/, /name=PATTERN, id=DIGITS/],
  ['ps --filter exited=256', /"256" is no exit code/],
  ['ps --format {{.Nmae}}', /there is no field "\.Nmae"/, /did you mean Name\?/],
  ['inspect', /name/],
  ['verify', /name/],
  ['verify one two', /takes no such word: "two"/],
  ['inspect -f {{.x box', /has no \}\}/],
  ['ps -q --json', /--json and --quiet exclude each other/],
  ['run box --name web', /crt run has no flag --name/, /the name is the first word/],
  ['run box -p 80:80', /crt run has no flag -p/, /--network host/],
  ['ps --filter color=red', /unknown filter/],
  ['rm', /crt rm needs the name of a container/],
  ['help frobnicate', /crt has no command "frobnicate"/],
  ['undo', /crt undo needs the name of a container/],
];

for (const [line, ...says] of REFUSED) {
  test(`crt ${line}: exit 125 and why`, (t) => {
    const { exitCode, stdout, stderr } = crt(
      line
        .trim()
        .split(' ')
        .concat(line.endsWith(' ') ? [''] : []),
    );
    t.is(exitCode, 125, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^crt: /);
    t.notRegex(stderr, /^\s+at /m, 'no stack trace');
    for (const words of says) t.regex(stderr, words);
  });
}

test('without root one line says what to type, before anything else is looked at', (t) => {
  const { exitCode, stderr } = crt(['run', 'box', '--rootfs', '/nonexistent', '-e', "A=it's"], { uid: 65534 });
  t.is(exitCode, 125);
  t.regex(stderr, /^crt: crt run needs root: sudo \S+ run box --rootfs \/nonexistent -e 'A=it'\\''s'\n$/);
});

test('started as a program: --env-file is for crt, not for node', (t) => {
  const program = fileURLToPath(new URL('bin/run.js', ROOT));
  const env = { PATH: `${dirname(process.execPath)}:/usr/bin:/bin` };
  const { status, stderr } = spawnSync(program, ['run', 'box', '--env-file', '/nonexistent/file'], {
    encoding: 'utf8',
    input: '',
    env,
    timeout: PATIENCE,
  });
  t.is(status, 125);
  t.regex(stderr, /^crt: /);
});

test('--network none is what there is', (t) => {
  const { stderr } = crt(['run', 'box', '--network', 'none'], { uid: 65534 });
  t.regex(stderr, /needs root/);
});

test('several names: each is tried, the failure tells', (t) => {
  const { exitCode, stderr } = crt(['rm', 'no-such-box-1', 'no-such-box-2']);
  t.is(exitCode, 125);
  t.regex(stderr, /no-such-box-1[\s\S]*no-such-box-2/);
});

test('rm -f of a name that is gone tells it, and is no failure', (t) => {
  const { exitCode, stderr } = crt(['rm', '-f', '--', 'no-such-box-1', '-x']);
  t.is(exitCode, 0);
  t.regex(stderr, /no container named "no-such-box-1"[\s\S]*no container named "-x"/);
});

test('what a message repeats cannot drive the terminal', (t) => {
  const { stderr } = crt(['\u001b[2J']);
  t.false(stderr.includes('\u001b'));
});
