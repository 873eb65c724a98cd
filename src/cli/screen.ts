import { isatty, WriteStream } from 'node:tty';

/** How wide and colourful text on a descriptor may be. Colour only on a terminal, and not with NO_COLOR (no-color.org). */
export function screen(fd: 1 | 2): { width: number; color: boolean } {
  if (!isatty(fd)) return { width: 100, color: false };
  const stream = fd === 1 ? process.stdout : process.stderr;
  return { width: (stream instanceof WriteStream && stream.columns) || 80, color: !process.env['NO_COLOR'] };
}

/** By the locale's variables, the strongest first (locale(7)). */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: NodeJS.ProcessEnv = process.env): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}
