import test from 'ava';
import { renderRows } from '../../src/cli/ps-rows.js';
import { type ContainerSummary, UserError } from '../../src/index.js';

const WEB: ContainerSummary = {
  ...{ name: 'web', id: '0123456789abcdef', status: 'stopped', pid: undefined, created: '2026-03-01T12:00:00.123Z', ageMs: 180_000 },
  ...{ memoryUsage: undefined, memoryLimit: 52428800, command: ['sh', '-c', 'x'], rootfs: '/srv/debian', rootfsKind: 'directory' },
  ...{ layer: undefined, exitCode: 3, loosened: ['setid'], problem: undefined },
};
const page = { width: 80, truncate: true };

test('a line for each container', (t) => {
  const rows = renderRows([WEB, { ...WEB, name: 'b' }], '{{.Names}} {{.Status}} {{.State}} {{.Image}}', page);
  t.is(rows, 'web stopped (3) stopped /srv/debian\nb stopped (3) stopped /srv/debian\n');
  t.is(
    renderRows([WEB], '{{.CreatedAt}}|{{.RunningFor}}|{{.Command}}|{{.Loosened}}|{{.ID}}', page),
    '2026-03-01 12:00:00 +0000 UTC|3 minutes ago|sh -c x|setid|0123456789abcdef\n',
  );
});

test('json is one object a line', (t) => {
  const lines = renderRows([WEB, WEB], 'json', page).trimEnd().split('\n');
  t.is(lines.length, 2);
  t.like(JSON.parse(lines[0] ?? ''), { Names: 'web', State: 'stopped', ExitCode: '3', Pid: '' });
  t.is(renderRows([WEB], '{{json .}}', page), `${lines[0]}\n`);
});

test('a table has titles, aligned, also where there is nothing', (t) => {
  t.is(renderRows([WEB], 'table {{.Name}}\\t{{.CreatedAt}}', page), 'NAME  CREATED AT\nweb   2026-03-01 12:00:00 +0000 UTC\n');
  t.is(renderRows([], 'table\\t{{.Name}}', page), 'NAME\n');
});

test('a field that there is not is an error, also where there is nothing', (t) => {
  t.throws(() => renderRows([], '{{.Label}}', page), { instanceOf: UserError, message: /no field "\.Label"/ });
});

test('what a terminal acts on is spelled out', (t) => {
  t.is(renderRows([{ ...WEB, command: ['\x1b[31m\n'] }], 'table {{.Command}}', page), 'COMMAND\n\\x1b[31m\\n\n');
});
