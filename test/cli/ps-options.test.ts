import test from 'ava';
import { psColumns, startText, timeText } from '../../src/cli/ps-options.js';
import { UserError } from '../../src/index.js';

const titles = (...words: string[]): string =>
  psColumns(words)
    .map(({ title }) => title)
    .join(' ');

test('the columns of ps -ef, of aux, and chosen ones', (t) => {
  for (const words of [[], ['-ef'], ['-e', '-f'], ['-A'], ['ax']]) t.is(titles(...words), 'UID PID PPID INPID C STIME TTY TIME CMD');
  for (const words of [['aux'], ['-aux'], ['auxww'], ['u']]) t.is(titles(...words), 'UID PID INPID %CPU VSZ RSS TTY S STIME TIME CMD');
  t.is(titles('-o', 'pid,args'), 'PID CMD');
  t.is(titles('-eo', 'PID,comm,%cpu'), 'PID COMMAND %CPU');
  t.is(titles('-o', 'pid', '-o', 'rss'), 'PID RSS');
  t.is(titles('-opid,tt'), 'PID TTY');
  t.is(titles('--format=pid,stat'), 'PID S');
});

test('what it does not know is refused with what there is', (t) => {
  for (const words of [['--forest'], ['-o'], ['-p', '1'], ['-o', 'pid,__proto__'], ['-o', 'constructor'], ['-o', '']])
    t.throws(() => psColumns(words), { instanceOf: UserError }, words.join(' '));
});

test('start and processor time as ps shows them', (t) => {
  const now = new Date(2026, 5, 15, 12, 0, 0);
  t.is(startText(new Date(2026, 5, 15, 9, 5).toISOString(), now), '09:05');
  t.is(startText(new Date(2026, 4, 3, 9, 5).toISOString(), now), 'May03');
  t.is(startText(new Date(2024, 4, 3).toISOString(), now), '2024');
  t.deepEqual([0, 61_999, 3_600_000, 90_061_000].map(timeText), ['00:00:00', '00:01:01', '01:00:00', '01-01:01:01']);
});
