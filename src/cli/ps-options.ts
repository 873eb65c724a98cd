import { type Column, formatBytes, type ProcessSummary, printable, UserError } from '../index.js';

type Cell = Column<ProcessSummary>;
type Row = ProcessSummary;

const number = (value: (row: Row) => number | undefined): Pick<Cell, 'value' | 'align'> => ({
  value: (row) => String(value(row) ?? '-'),
  align: 'right',
});

/** Columns by the names that ps(1) has for them. */
const COLUMNS: Readonly<Record<string, Cell>> = {
  uid: { title: 'UID', ...number(({ uid }) => uid) },
  huser: { title: 'HUID', ...number(({ hostUid }) => hostUid) },
  pid: { title: 'PID', ...number(({ pid }) => pid) },
  ppid: { title: 'PPID', ...number(({ ppid }) => ppid) },
  inpid: { title: 'INPID', ...number(({ pidInside }) => pidInside) },
  c: { title: 'C', ...number(({ cpuPercent }) => Math.floor(cpuPercent)) },
  pcpu: { title: '%CPU', value: ({ cpuPercent }) => cpuPercent.toFixed(1), align: 'right' },
  stime: { title: 'STIME', value: ({ started }) => startText(started) },
  tty: { title: 'TTY', value: ({ tty }) => tty },
  time: { title: 'TIME', value: ({ cpuMs }) => timeText(cpuMs), align: 'right' },
  stat: { title: 'S', value: ({ state }) => state },
  nlwp: { title: 'NLWP', ...number(({ threads }) => threads) },
  vsz: { title: 'VSZ', value: ({ virtualBytes }) => formatBytes(virtualBytes), align: 'right' },
  rss: { title: 'RSS', value: ({ residentBytes }) => formatBytes(residentBytes), align: 'right' },
  comm: { title: 'COMMAND', value: ({ name }) => name },
  cmd: { title: 'CMD', value: commandText, shrinkTo: 12 },
};

const OTHER_NAMES: Readonly<Record<string, string>> = {
  user: 'uid',
  ruid: 'uid',
  euid: 'uid',
  hpid: 'pid',
  start: 'stime',
  start_time: 'stime',
  bsdstart: 'stime',
  tt: 'tty',
  tname: 'tty',
  cputime: 'time',
  s: 'stat',
  state: 'stat',
  '%cpu': 'pcpu',
  vsize: 'vsz',
  rssize: 'rss',
  thcount: 'nlwp',
  ucmd: 'comm',
  ucomm: 'comm',
  args: 'cmd',
  command: 'cmd',
};

const FULL = 'uid,pid,ppid,inpid,c,stime,tty,time,cmd';
const BSD = 'uid,pid,inpid,pcpu,vsz,rss,tty,stat,stime,time,cmd';
/** Words that only choose processes, which a container has chosen already, or the usual columns. */
const PLAIN = /^-?(?:[eAaxfHwd]+)$/;
const BSD_WORD = /^-?[aexw]*u[aexw]*$/;
const LIST = /^-?[eAax]*o(?:=?(.*))$/s;

/**
 * The options of ps(1) that `crt top` understands: `-ef` (what there is without any), `aux`, `-o COLUMN,…`.
 * @throws UserError for any other
 */
export function psColumns(words: readonly string[]): readonly Cell[] {
  let list = FULL;
  const chosen: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    if (BSD_WORD.test(word)) list = BSD;
    else if (!PLAIN.test(word)) chosen.push(listIn(word, () => words[++at]));
  }
  const names = (chosen.length > 0 ? chosen.join() : list).split(',');
  return names.map(column);
}

function listIn(word: string, next: () => string | undefined): string {
  const given = /^--format(?:=(.*))?$/s.exec(word) ?? LIST.exec(word);
  const list = given && (given[1] || next());
  if (list) return list;
  const what = given ? `${word} needs a list of columns` : `crt top does not know the ps option ${JSON.stringify(word)}`;
  throw new UserError(printable(what), { hint: '-ef, aux, or -o pid,ppid,uid,stat,time,cmd' });
}

function column(name: string): Cell {
  const known = name.trim().toLowerCase();
  const found = COLUMNS[Object.hasOwn(OTHER_NAMES, known) ? (OTHER_NAMES[known] ?? known) : known];
  if (found && (Object.hasOwn(COLUMNS, known) || Object.hasOwn(OTHER_NAMES, known))) return found;
  throw new UserError(`crt top has no column ${JSON.stringify(name)}`, { hint: `what there is: ${Object.keys(COLUMNS).join(', ')}` });
}

/** The time of today, the day of this year, the year before; of the machine's time zone. */
export function startText(started: string, now = new Date()): string {
  const date = new Date(started);
  const two = (value: number): string => String(value).padStart(2, '0');
  if (date.toDateString() === now.toDateString()) return `${two(date.getHours())}:${two(date.getMinutes())}`;
  if (date.getFullYear() !== now.getFullYear()) return String(date.getFullYear());
  return `${date.toLocaleString('en', { month: 'short' })}${two(date.getDate())}`;
}

/** `[DD-]HH:MM:SS` of processor time. */
export function timeText(ms: number): string {
  const seconds = Math.floor(ms / 1000);
  const two = (value: number): string => String(value).padStart(2, '0');
  const days = Math.floor(seconds / 86_400);
  const rest = [Math.floor(seconds / 3600) % 24, Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(':');
  return days > 0 ? `${two(days)}-${rest}` : rest;
}

/** As ps(1) shows one without words, and one that has ended. */
function commandText({ command, name, state }: Row): string {
  if (command.length > 0) return command.join(' ');
  return state === 'Z' ? `[${name}] <defunct>` : `[${name}]`;
}
