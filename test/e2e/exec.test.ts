import { type ExecResult, exec, type RunningContainer, UserError } from '../../src/index.js';
import { until } from '../in-time.js';
import { beside, shell } from './beside.js';
import { crt, e2e, ended, readProc, startCrt } from './support.js';

e2e('exit codes, signals, and what comes of commands that are not there', (t) =>
  beside(t, async (name) => {
    for (const code of [0, 1, 42, 255]) t.like(await shell(name, `exit ${code}`), { exitCode: code, signal: undefined, reason: 'exit' });
    t.like(await shell(name, 'kill -USR1 $$'), { exitCode: 138, signal: 'SIGUSR1', reason: 'signal', isTerminated: true });
    const missing = await t.throwsAsync(exec(name, { command: ['no-such-command'] }), { instanceOf: UserError });
    t.is((missing as UserError).exitCode, 127);
    const forbidden = await t.throwsAsync(exec(name, { command: ['/etc/passwd'] }), { instanceOf: UserError });
    t.is((forbidden as UserError).exitCode, 126);
    t.is((await crt(t, ['exec', name, 'sh', '-c', 'exit 9'])).code, 9);
    t.is((await crt(t, ['exec', name, '/etc'])).code, 126);
    t.is((await crt(t, ['exec', name, 'nope'])).code, 127);
  }),
);

e2e('the words of the command are untouched; flags come before and after the name', (t) =>
  beside(t, async (name) => {
    const words = ['-e', '--', '-t', "it's", '', '$HOME', 'a b'];
    const { stdout } = await crt(t, [
      'exec',
      '-e',
      'A=1',
      name,
      '-w',
      '/tmp',
      'sh',
      '-c',
      'echo $A; pwd; printf "<%s>" "$@"',
      'sh',
      ...words,
    ]);
    t.is(stdout, `1\n/tmp\n${words.map((word) => `<${word}>`).join('')}`);
    t.is((await crt(t, ['exec', name, '--', 'echo', '--', '-i'])).stdout, '-- -i\n');
  }),
);

e2e('variables, folder and user are PID 1’s unless asked otherwise', (t) =>
  beside(
    t,
    async (name) => {
      const show = 'echo "$A $B $HOME $PATH"; pwd; id -u; id -g; id -G; umask';
      t.deepEqual((await shell(name, show)).stdout.split('\n'), [
        'one two / /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        '/var/place',
        '1234',
        '0',
        '0 44',
        '0022',
        '',
      ]);
      const other = await shell(name, show, { env: { B: '2' }, cwd: '/usr', user: 'root' });
      t.deepEqual(other.stdout.split('\n').slice(0, 5), [
        'one 2 /root /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        '/usr',
        '0',
        '0',
        '0 44',
      ]);
      t.is((await shell(name, 'id -u; id -g', { user: 'daemon:7' })).stdout, '1\n7\n');
    },
    { env: { A: 'one', B: 'two' }, cwd: '/var/place', user: '1234', groupAdd: [44] },
  ),
);

e2e('what is wrong is refused in words', async (t) => {
  const said = async (work: Promise<unknown>): Promise<string> => {
    const error = await t.throwsAsync(work, { instanceOf: UserError });
    return error.message;
  };
  await beside(t, async (name) => {
    t.regex(await said(exec(name, { command: ['pwd'], cwd: '/not/there' })), /cwd \/not\/there.*no such file/);
    t.regex(await said(exec(name, { command: ['pwd'], cwd: 'relative' })), /cwd/);
    t.regex(await said(exec(name, { command: ['id'], user: 'nobody-knows' })), /no user of this name/);
    t.regex(await said(exec(name, { command: ['id'], user: '70000' })), /none of the ids/);
    t.regex(await said(exec(name, { command: [] })), /command: there is none/);
    const line = await crt(t, ['exec', name]);
    t.is(line.code, 125);
    t.regex(line.stderr, /needs a command/);
    t.regex((await crt(t, ['exec', name, '--memory', '5', 'true'])).stderr, /crt exec has no flag --memory/);
  });
  const gone = await crt(t, ['exec', 'no-such-box', 'true']);
  t.is(gone.code, 125);
  t.regex(gone.stderr, /there is no container named "no-such-box"/);
});

e2e('stdin with its end, stdout and stderr apart', (t) =>
  beside(t, async (name) => {
    const copied = await shell(name, 'cat; echo done; echo oops >&2', { input: 'in\n' });
    t.like(copied, { stdout: 'in\ndone\n', stderr: 'oops\n' });
    t.is((await shell(name, 'wc -c')).stdout.trim(), '0');
    const line = await crt(t, ['exec', name, 'sh', '-c', 'tr a-z A-Z; echo err >&2'], { input: 'hello' });
    t.like(line, { stdout: 'HELLO', stderr: 'err\n', code: 0 });
    t.is((await crt(t, ['exec', '-i=false', name, 'wc', '-c'], { input: 'hello' })).stdout.trim(), '0');
    t.is((await shell(name, 'echo out > /dev/stdout; echo err > /dev/stderr')).stdout, 'out\n');
  }),
);

e2e('50 MB through, both ways, in order', (t) =>
  beside(t, async (name) => {
    const bytes = Buffer.alloc(50_000_000, 'abcdefghijklmnopqrstuvwxyz012345');
    const { stdoutBytes } = await exec(name, { command: ['cat'], input: bytes });
    t.true(bytes.equals(stdoutBytes));
  }),
);

for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGUSR1'] as const) {
  e2e(`${signal} to crt exec goes to the command`, (t) =>
    beside(t, async (name) => {
      const trap = startCrt(t, [
        'exec',
        name,
        '--',
        'sh',
        '-c',
        `trap "echo got; exit 33" ${signal.slice(3)}; echo ready; while :; do sleep 1000 & wait $!; done`,
      ]);
      await until(trap.stdout, 'ready');
      const end = ended(trap);
      trap.kill(signal);
      t.like(await end, { code: 33, stdout: 'got\n' });
      const plain = startCrt(t, ['exec', name, '--', 'sh', '-c', 'echo ready; exec sleep 1000']);
      await until(plain.stdout, 'ready');
      const plainEnd = ended(plain);
      plain.kill(signal);
      t.is((await plainEnd).code, { SIGTERM: 143, SIGINT: 130, SIGHUP: 129, SIGUSR1: 138 }[signal]);
    }),
  );
}

e2e('a timeout, an abort, the library’s kill: the command ends, the container does not', (t) =>
  beside(t, async (name) => {
    t.like(await shell(name, 'exec sleep 1000', { timeout: 6000 }), {
      timedOut: true,
      exitCode: 124,
      signal: 'SIGKILL',
      reason: 'timeout',
    });
    const abort = new AbortController();
    const aborted = await shell(name, 'exec sleep 1000', { signal: abort.signal, onStart: () => abort.abort() });
    t.like(aborted, { isCanceled: true, reason: 'canceled', signal: 'SIGKILL' });
    t.like(await shell(name, 'exec sleep 1000', { onStart: (command) => command.kill() }), { exitCode: 143, signal: 'SIGTERM' });
    t.is((await crt(t, ['exec', name, '--timeout', '5s', 'sleep', '1000'])).code, 124);
    const loud = await t.throwsAsync(shell(name, 'yes', { maxBuffer: 1000 }), { instanceOf: UserError });
    t.regex(loud.message, /more than 1000 bytes/);
    t.is((await shell(name, 'echo alive')).stdout, 'alive\n');
  }),
);

e2e('the container ends meanwhile: the command is killed with it', async (t) => {
  let end: Promise<ExecResult> | undefined;
  await beside(t, async (name, container) => {
    end = exec(name, {
      command: ['sleep', '1000'],
      onStart: () => container.kill('SIGKILL'),
    });
    await end;
  });
  t.like(await end, { exitCode: 137, signal: 'SIGKILL', timedOut: false, isCanceled: false });
});

e2e('it is in the same namespaces and cgroups, with the same limits and rights, as PID 1', (t) =>
  beside(t, async (name, { pid }) => {
    const command = await new Promise<RunningContainer>((resolve, reject) => {
      exec(name, { command: ['sleep', '1000'], onStart: resolve }).catch(reject);
    });
    t.is(readProc(command.pid, 'cgroup'), readProc(pid, 'cgroup'));
    t.is(readProc(command.pid, 'limits'), readProc(pid, 'limits'));
    t.is(readProc(command.pid, 'comm'), 'sleep\n');
    command.kill('SIGKILL');
  }),
);

e2e('50 at once', (t) =>
  beside(t, async (name) => {
    const results = await Promise.all(Array.from({ length: 50 }, (_, at) => shell(name, `echo ${at}`)));
    t.deepEqual(
      results.map(({ stdout }) => stdout),
      results.map((_, at) => `${at}\n`),
    );
  }),
);

e2e('what root inside has made of /etc/passwd keeps nobody out who comes by number', (t) =>
  beside(t, async (name) => {
    await shell(name, 'rm /etc/passwd && mkfifo /etc/passwd');
    t.is((await exec(name, { command: ['true'] })).exitCode, 0);
    t.is((await exec(name, { command: ['id', '-u'], user: '7:7' })).stdout, '7\n');
    const error = await t.throwsAsync(exec(name, { command: ['true'], user: 'daemon' }), { instanceOf: UserError });
    t.regex(error.message, /\/etc\/passwd .*is no regular file/);
    // Regular files, some without a size, that cannot be read, or not be opened.
    for (const file of ['/proc/1/mem', '/proc/self/mem', '/proc/self/environ', '/proc/kmsg', '/proc/sys/vm/drop_caches']) {
      await shell(name, `ln -sf ${file} /etc/passwd`);
      t.is((await exec(name, { command: ['id', '-u'], user: '7:7' })).stdout, '7\n', file);
    }
  }),
);
