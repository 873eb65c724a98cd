import { UserError } from '../errors.js';
import { quote } from '../spec/quote.js';

/** `.A.B`; without names the value itself. */
export interface FieldExpression {
  readonly kind: 'field';
  readonly names: readonly string[];
}
export type Expression =
  | FieldExpression
  | { readonly kind: 'literal'; readonly value: string | number | boolean }
  | { readonly kind: 'call'; readonly name: string; readonly args: readonly Expression[] };

export type Node =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'value'; readonly expression: Expression }
  | {
      readonly kind: 'if' | 'range' | 'with';
      readonly expression: Expression;
      readonly body: readonly Node[];
      readonly otherwise: readonly Node[];
    };

const HINT = '{{.Field}} {{json .Field}} {{range .List}}…{{end}} {{if .Field}}…{{else}}…{{end}}';

/** What is wrong with a template, in the words of its writer. */
export function templateError(what: string, hint = HINT): UserError {
  return new UserError(`--format: ${what}`, { hint });
}

/** Text, and what stands between `{{` and `}}`; `{{-` and `-}}` eat the blanks around, as in Go. */
interface Piece {
  readonly isAction: boolean;
  readonly text: string;
}

function pieces(template: string): Piece[] {
  const found: Piece[] = [];
  for (let at = 0; at < template.length; ) {
    const open = template.indexOf('{{', at);
    if (open < 0) return [...found, { isAction: false, text: template.slice(at) }];
    const close = endOfAction(template, open + 2);
    if (close < 0) throw templateError(`${quote(template.slice(open, open + 40))} has no }}`);
    const inner = template.slice(open + 2, close);
    const [left, right] = [/^-\s/.test(inner), /\s-$/.test(inner)];
    const before = template.slice(at, open);
    found.push({ isAction: false, text: left ? before.trimEnd() : before });
    found.push({ isAction: true, text: inner.slice(left ? 1 : 0, right ? -1 : undefined).trim() });
    at = close + 2;
    if (right) while (/^\s$/.test(template[at] ?? '')) at++;
  }
  return found;
}

/** The `}}` that is in no string. */
function endOfAction(template: string, from: number): number {
  const token = /"(?:\\.|[^"\\])*"|`[^`]*`|\}\}/gs;
  token.lastIndex = from;
  for (let match = token.exec(template); match !== null; match = token.exec(template)) if (match[0] === '}}') return match.index;
  return -1;
}

/** In the text a shell leaves `\t` and `\n` as they are typed. */
function unescapeText(text: string): string {
  return text.replace(/\\([tn\\])/g, (_, letter: string) => ({ t: '\t', n: '\n' })[letter] ?? '\\');
}

/** How deep blocks and parentheses may go: a template is typed, not generated. */
const MAX_DEPTH = 50;

/** @throws UserError for what is no template, or takes more of Go's than crt has. */
export function parseTemplate(template: string): readonly Node[] {
  const source = pieces(template);
  const { nodes, ended } = parseBlock(source, { at: 0 }, 0);
  if (ended !== undefined) throw templateError(`{{${ended}}} belongs to no {{if}}, {{range}} or {{with}}`);
  return nodes;
}

function parseBlock(source: readonly Piece[], cursor: { at: number }, depth: number): { nodes: Node[]; ended: 'end' | 'else' | undefined } {
  if (depth > MAX_DEPTH) throw templateError('the blocks are nested too deep');
  const nodes: Node[] = [];
  while (cursor.at < source.length) {
    const { isAction, text } = source[cursor.at++] as Piece;
    if (!isAction) {
      if (text !== '') nodes.push({ kind: 'text', text: unescapeText(text) });
      continue;
    }
    if (text.startsWith('/*') && text.endsWith('*/')) continue;
    if (text === 'end' || text === 'else') return { nodes, ended: text };
    const [, keyword, rest] = /^(if|range|with)\s+(.*)$/s.exec(text) ?? [];
    if (keyword === undefined) nodes.push({ kind: 'value', expression: parseExpression(text) });
    else nodes.push(parseControl(keyword as 'if' | 'range' | 'with', rest ?? '', source, cursor, depth));
  }
  return { nodes, ended: undefined };
}

function parseControl(kind: 'if' | 'range' | 'with', text: string, source: readonly Piece[], cursor: { at: number }, depth: number): Node {
  const expression = parseExpression(text);
  const body = parseBlock(source, cursor, depth + 1);
  const otherwise = body.ended === 'else' ? parseBlock(source, cursor, depth + 1) : { nodes: [], ended: body.ended };
  if (otherwise.ended !== 'end') throw templateError(`{{${kind} ${text}}} has no {{end}}`);
  return { kind, expression, body: body.nodes, otherwise: otherwise.nodes };
}

const TOKEN =
  /\s*(?:("(?:\\.|[^"\\])*")|`([^`]*)`|(-?\d+(?:\.\d+)?)(?![\w.])|((?:\.[\p{L}_][\p{L}\p{N}_]*)+|\.(?![\p{L}\p{N}_]))|([a-z]+)(?![\p{L}\p{N}_])|([()|]))/uy;

/** A pipeline of Go's: `json .X`, `.X | json`, `index .Map "key" | upper`. */
function parseExpression(text: string): Expression {
  const tokens = tokenize(text);
  const cursor = { at: 0 };
  const expression = parsePipeline(tokens, cursor, text, 0);
  if (cursor.at < tokens.length) throw templateError(`{{${text}}}: a ) too many`);
  return expression;
}

type Token = { readonly operand: Expression } | { readonly word: string } | { readonly mark: string };

function tokenize(text: string): Token[] {
  const tokens: Token[] = [];
  for (TOKEN.lastIndex = 0; text.slice(TOKEN.lastIndex).trim() !== ''; ) {
    const at = TOKEN.lastIndex;
    const match = TOKEN.exec(text);
    if (match === null) throw templateError(`{{${text}}}: ${quote(text.slice(at).trim())} is not understood`);
    const [, string, raw, number, field, word, mark] = match;
    if (string !== undefined) tokens.push({ operand: { kind: 'literal', value: parseString(string) } });
    else if (raw !== undefined) tokens.push({ operand: { kind: 'literal', value: raw } });
    else if (number !== undefined) tokens.push({ operand: { kind: 'literal', value: Number(number) } });
    else if (field !== undefined) tokens.push({ operand: { kind: 'field', names: field.split('.').filter(Boolean) } });
    else if (word === 'true' || word === 'false') tokens.push({ operand: { kind: 'literal', value: word === 'true' } });
    else if (word !== undefined) tokens.push({ word });
    else tokens.push({ mark: mark ?? '' });
  }
  return tokens;
}

function parseString(quoted: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch (error) {
    throw templateError(`${quoted} is not a string: ${(error as Error).message}`);
  }
}

function parsePipeline(tokens: readonly Token[], cursor: { at: number }, text: string, depth: number): Expression {
  if (depth > MAX_DEPTH) throw templateError('the parentheses are nested too deep');
  let value = parseCommand(tokens, cursor, text, depth, undefined);
  while (isMark(tokens[cursor.at], '|')) {
    cursor.at++;
    value = parseCommand(tokens, cursor, text, depth, value);
  }
  return value;
}

/** @param piped the value from the left of a `|`: the last argument, as in Go. */
function parseCommand(
  tokens: readonly Token[],
  cursor: { at: number },
  text: string,
  depth: number,
  piped: Expression | undefined,
): Expression {
  const first = tokens[cursor.at];
  if (first !== undefined && 'word' in first) {
    cursor.at++;
    const args: Expression[] = [];
    while (cursor.at < tokens.length && !isMark(tokens[cursor.at], '|') && !isMark(tokens[cursor.at], ')'))
      args.push(parseOperand(tokens, cursor, text, depth));
    return { kind: 'call', name: first.word, args: piped === undefined ? args : [...args, piped] };
  }
  const operand = parseOperand(tokens, cursor, text, depth);
  if (piped !== undefined) throw templateError(`{{${text}}}: behind | stands a function`);
  const next = tokens[cursor.at];
  if (next !== undefined && !('mark' in next)) throw templateError(`{{${text}}}: a function stands first: {{json .Field}}`);
  return operand;
}

function parseOperand(tokens: readonly Token[], cursor: { at: number }, text: string, depth: number): Expression {
  const token = tokens[cursor.at++];
  if (token === undefined) throw templateError(text === '' ? '{{}} is empty' : `{{${text}}} ends too early`);
  if ('operand' in token) return token.operand;
  if ('word' in token) return { kind: 'call', name: token.word, args: [] };
  if (token.mark !== '(') throw templateError(`{{${text}}}: ${token.mark} stands where a field is wanted`);
  const inner = parsePipeline(tokens, cursor, text, depth + 1);
  if (!isMark(tokens[cursor.at], ')')) throw templateError(`{{${text}}}: a ( without its )`);
  cursor.at++;
  return inner;
}

function isMark(token: Token | undefined, mark: string): boolean {
  return token !== undefined && 'mark' in token && token.mark === mark;
}
