import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { printableJson } from '../../src/format/json.js';
import { printable } from '../../src/format/printable.js';
import { fillTemplate } from '../../src/format/template.js';

const BOX = {
  name: 'box',
  state: { pid: 12, exitCode: null, paused: false },
  command: ['sh', '-c', 'echo hi'],
  labels: { 'a.b': 'one', two: '2' },
  mounts: [
    { target: '/', type: 'overlay' },
    { target: '/proc', type: 'proc' },
  ],
  empty: [],
};

for (const [template, expected] of [
  ['{{.name}}', 'box'],
  ['{{ .Name }} {{.State.Pid}}', 'box 12'],
  ['{{json .state}}', '{"pid":12,"exitCode":null,"paused":false}'],
  ['{{.state.pid | json}}', '12'],
  ['{{json .}}', JSON.stringify(BOX)],
  ['{{.state.exitCode}} {{.state.exitCode.more}}', '<no value> <no value>'],
  ['{{range .mounts}}{{.target}}={{.type}}\\n{{end}}', '/=overlay\n/proc=proc\n'],
  ['{{range .empty}}x{{else}}none{{end}}', 'none'],
  ['{{if .state.paused}}paused{{else}}not{{end}}', 'not'],
  ['{{if .name}}{{if .empty}}a{{else}}b{{end}}{{end}}', 'b'],
  ['{{with .state}}{{.pid}}{{end}}', '12'],
  ['{{index .labels "a.b"}} {{index .command 0}} {{index .labels "none"}}', 'one sh <no value>'],
  ['{{len .command}} {{len .name}} {{len .labels}}', '3 3 2'],
  ['{{join .command ","}}', 'sh,-c,echo hi'],
  ['{{upper .name}} {{lower "ABC"}} {{.name | upper | lower}}', 'BOX abc box'],
  ['{{.command}} {{.labels}}', '[sh -c echo hi] map[a.b:one two:2]'],
  ['{{if eq .name "box" "bag"}}yes{{end}}{{if ne .name "box"}}no{{end}}', 'yes'],
  ['{{if and .name (not .state.paused)}}yes{{end}}{{or .empty .name}}', 'yesbox'],
  ['a\\tb\\\\n', 'a\tb\\n'],
  ['{{"}}"}}{{`a\\n`}}', '}}a\\\\n'.replace('\\\\', '\\')],
  ['x  {{- .name -}}  y{{/* a remark */}}', 'xboxy'],
  ['no fields', 'no fields'],
] as const)
  test(`${template} is filled`, (t) => t.is(fillTemplate(template, BOX), expected));

for (const [template, message, hint] of [
  ['{{.nmae}}', /no field "\.nmae"/, /did you mean name\? what there is: name, state, command/],
  ['{{.state.Pdi}}', /no field "\.state\.Pdi"/, /did you mean pid\?/],
  ['{{.zzzzzz}}', /no field/, /^what there is: name/],
  ['{{.command.first}}', /\.command is a list: \{\{range …\}\} goes over it/],
  ['{{.name.first}}', /\.name is no group of fields/],
  ['{{jsno .name}}', /no function "jsno"/, /did you mean json\?/],
  ['{{.name', /has no \}\}/],
  ['{{}}', /empty/],
  ['{{if .name}}x', /\{\{if \.name\}\} has no \{\{end\}\}/],
  ['{{end}}', /belongs to no/],
  ['{{else}}', /belongs to no/],
  ['{{json}}', /json is used so: \{\{json \.Field\}\}/],
  ['{{.name .state}}', /a function stands first/],
  ['{{.name | .state}}', /behind \|/],
  ['{{(.name}}', /a \( without its \)/],
  ['{{.name)}}', /a \) too many/],
  ['{{range $i, $e := .command}}{{end}}', /"\$i, \$e := \.command" is not understood/],
  ['{{index .command 7}}', /3 entries/],
  ['{{index .name "x"}}', /neither a list nor a map/],
  ['{{range .name}}{{end}}', /range goes over a list/],
  ['{{len .state.pid}}', /no length/],
  ['{{"\\x"}}', /is not a string/],
  [`${'{{if .name}}'.repeat(200)}`, /nested too deep/],
  [`{{${'('.repeat(200)}}}`, /nested too deep/],
] as const)
  test(`${template.slice(0, 40)} is refused in words`, (t) => {
    const error = t.throws(() => fillTemplate(template, BOX), { instanceOf: UserError, message });
    t.regex(error.message, /^--format: /);
    if (hint !== undefined) t.regex(error.hint ?? '', hint);
  });

const words = fc.string({ unit: 'binary', maxLength: 12 });

test('no value reaches a terminal raw, by any way out', (t) => {
  const templates = [
    '{{.x}}',
    '{{json .}}',
    '{{.x | json}}',
    '{{range .list}}{{.}}{{end}}',
    '{{join .list ""}}',
    '{{upper .x}}',
    '{{.}}',
    '{{index .list 0}}',
  ];
  fc.assert(
    fc.property(words, fc.constantFrom(...templates), (x, template) => {
      const filled = fillTemplate(template, { x, list: [x, x] });
      return printable(filled) === filled;
    }),
  );
  t.is(fillTemplate('{{.x}}{{json .x}}', { x: '\x1b[31m\u009b\u202e' }), '\\x1b[31m\\x9b\\u202e"\\u001b[31m\\u009b\\u202e"');
});

test('JSON says the same as it was given, whatever the text', (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ stringUnit: 'binary' }), (value) => {
      t.deepEqual(JSON.parse(printableJson(value, 2)), JSON.parse(JSON.stringify(value)));
    }),
  );
  t.is(printableJson({ a: undefined, b: [undefined], big: 2n ** 64n }), '{"a":null,"b":[null],"big":18446744073709551616}');
  t.is(printableJson('\u{e0001}'), '"\\udb40\\udc01"');
  t.is(printableJson(JSON.parse('{"__proto__":1}')), '{"__proto__":1}');
});

test('any text is a template or is refused as one, never anything else', (t) => {
  const parts = fc.constantFrom(
    '{{',
    '}}',
    '.name',
    ' ',
    'json',
    '|',
    '(',
    ')',
    '"',
    '`',
    'if ',
    'range ',
    'end',
    'else',
    '-',
    '.',
    '\\',
    'x',
    '1',
    'index',
    '$',
    '/*',
    '*/',
    'constructor',
    '__proto__',
    '.constructor',
  );
  fc.assert(
    fc.property(fc.array(parts, { maxLength: 14 }), (texts) => {
      try {
        return typeof fillTemplate(texts.join(''), BOX) === 'string';
      } catch (error) {
        return error instanceof UserError;
      }
    }),
    { numRuns: 3000 },
  );
  t.throws(() => fillTemplate('{{.constructor}}', BOX), { instanceOf: UserError });
  t.throws(() => fillTemplate('{{constructor .name}}', BOX), { instanceOf: UserError });
});
