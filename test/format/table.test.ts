import test from 'ava';
import fc from 'fast-check';
import { displayWidth, fit, printable } from '../../src/format/printable.js';
import { type Column, renderTable } from '../../src/format/table.js';

interface Row {
  readonly name: string;
  readonly size: string;
  readonly command: string;
}
const COLUMNS: readonly Column<Row>[] = [
  { title: 'NAME', value: ({ name }) => name, shrinkTo: 8 },
  { title: 'SIZE', value: ({ size }) => size, align: 'right', drop: 1 },
  { title: 'COMMAND', value: ({ command }) => command, shrinkTo: 10, drop: 2 },
];
const ROWS: readonly Row[] = [
  { name: 'box', size: '5 MiB', command: 'python3 job.py --all' },
  { name: 'a-much-longer-name', size: '500 MiB', command: 'sh' },
];

test('columns align, numbers to the right, no spaces at line ends', (t) => {
  t.is(
    renderTable(ROWS, COLUMNS),
    [
      'NAME                   SIZE  COMMAND',
      'box                   5 MiB  python3 job.py --all',
      'a-much-longer-name  500 MiB  sh',
      '',
    ].join('\n'),
  );
});

test('a narrow terminal: the widest give way first, with an ellipsis', (t) => {
  t.is(
    renderTable(ROWS, COLUMNS, { width: 40 }),
    ['NAME               SIZE  COMMAND', 'box               5 MiB  python3 job.py…', 'a-much-longer…  500 MiB  sh', ''].join('\n'),
  );
});

test('narrower: columns are left out, the highest number first', (t) => {
  t.is(renderTable(ROWS, COLUMNS, { width: 20 }).split('\n')[0], 'NAME            SIZE');
  t.is(renderTable(ROWS, COLUMNS, { width: 12 }), 'NAME\nbox\na-much-long…\n');
  t.is(renderTable(ROWS, COLUMNS, { width: 5 }), 'NAME\nbox\na-mu…\n');
});

test('without truncation nothing is cut', (t) => {
  t.is(renderTable(ROWS, COLUMNS, { width: 10, truncate: false }), renderTable(ROWS, COLUMNS));
});

test('no rows: the titles alone', (t) => {
  t.is(renderTable([], COLUMNS), 'NAME  SIZE  COMMAND\n');
});

test('wide characters and marks are counted as a terminal shows them', (t) => {
  t.is(displayWidth('日本語'), 6);
  t.is(displayWidth('e\u0301'), 1);
  t.is(displayWidth('🚀x'), 3);
  t.is(fit('日本語', 5), '日本…');
  t.is(fit('日本語', 4), '日…');
  t.is(fit('abc', 0), '');
  t.is(renderTable([{ name: '日本', size: '1', command: 'a' }], COLUMNS), 'NAME  SIZE  COMMAND\n日本     1  a\n');
});

test('nothing that a terminal would act on gets through', (t) => {
  t.is(
    printable('a\x1b[31mb\x07\n\t\r\x7f\x9b\u202eevil\u2028\u200b\ud800'),
    'a\\x1b[31mb\\x07\\n\\t\\r\\x7f\\x9b\\u202eevil\\u2028\\u200b\\ud800',
  );
  t.is(printable('plain ünïcödé 日本'), 'plain ünïcödé 日本');
  const table = renderTable([{ name: 'x\nforged  line', size: '\x1b]0;title\x07', command: '\x1b[2J' }], COLUMNS);
  t.is(table.split('\n').length, 3);
  t.notRegex(table.replaceAll('\n', ''), /[\x00-\x1f\x7f-\x9f]/);
});

test('any text in any width: every line fits, and no control character is in it', (t) => {
  const text = fc.string({ unit: 'binary', maxLength: 40 });
  const rows = fc.array(fc.record({ name: text, size: text, command: text }), { maxLength: 5 });
  fc.assert(
    fc.property(rows, fc.integer({ min: 1, max: 120 }), (some, width) => {
      const lines = renderTable(some, COLUMNS, { width }).split('\n').slice(0, -1);
      return lines.length === some.length + 1 && lines.every((line) => displayWidth(line) <= width && !/[\p{Cc}\p{Cf}\p{Cs}]/u.test(line));
    }),
  );
  t.pass();
});
