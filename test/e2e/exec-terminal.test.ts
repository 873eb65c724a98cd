import { beside, shell } from './beside.js';
import { Shell } from './pty.js';
import { ptyTest } from './support.js';

ptyTest('a terminal of its own: path, size, and /dev/console stays PID 1’s', (t) =>
  beside(t, async (name) => {
    const { stdout } = await shell(name, 'tty; stty size; ls -l /dev/console; test -t 2 && echo "$TERM"', {
      tty: { rows: 33, columns: 77 },
    });
    const [tty, size, console, term] = stdout.split('\r\n');
    t.regex(tty ?? '', /^\/dev\/pts\/\d+$/);
    t.is(size, '33 77');
    t.regex(console ?? '', /No such file|cannot access/);
    t.is(term, 'xterm');
  }),
);

/** `crt exec`, quoted for the shell. */
const EXEC = Shell.run.replace(/ run$/, ' exec');

ptyTest('at a terminal: its path, size, resizes, job control and Ctrl-C; the modes are the same afterwards', (t) =>
  beside(t, async (name) => {
    const person = new Shell(t, { columns: 77, rows: 33 });
    await person.see(/HOST> /);
    const before = await person.host('stty -g');
    person.type(`${EXEC} ${name} -- bash --norc --noprofile\r`);
    await person.see(/bash-[\d.]+# /);
    person.type("bind 'set enable-bracketed-paste off'; PS1='IN'SIDE'> '\r");
    await person.see(/INSIDE> /);
    person.type('tty; stty size\r');
    await person.see(/\n\/dev\/pts\/\d+\r\n33 77\r\n/);
    person.type('trap "stty size" WINCH; echo set\r');
    await person.see(/\nset\r\n/);
    person.resize(91, 41);
    person.type('\r');
    await person.see(/41 91\r\n/);
    person.type('sleep 1000\r');
    await person.see(/\nsleep 1000|sleep 1000\r\n/);
    await person.foreground('sleep');
    person.type('\x1a');
    await person.see(/\[1\]\+\s+Stopped\s+sleep 1000/);
    person.type('fg\r');
    await person.foreground('sleep');
    person.type('\x03');
    await person.see(/INSIDE> /);
    person.type('exit 5\r');
    await person.see(/HOST> /);
    t.is(await person.code(), 5);
    t.is(await person.host('stty -g'), before);
    // A command that handles no signal: a key ends it, as it is not PID 1.
    person.type(`${EXEC} ${name} -- sleep 1000\r`);
    await person.foreground('sleep');
    person.type('\x03');
    await person.see(/HOST> /);
    t.is(await person.code(), 130);
    person.type(`${EXEC} ${name} -- no-such-command\r`);
    await person.see(/exec .*failed/);
    await person.see(/HOST> /);
    t.is(await person.host('stty -g'), before);
  }),
);
