import type { UserError } from '../errors.js';
import { nearest } from '../spec/nearest.js';
import { quote } from '../spec/quote.js';
import { printableJson } from './json.js';
import { printable } from './printable.js';
import { type Expression, type Node, parseTemplate, templateError } from './template-parse.js';

/** What Go's templates print for nothing, and docker's users know. */
const NOTHING = '<no value>';

/**
 * Fills a template: the small part of Go's text/template that people type after `--format`. Fields are found whatever the case of their letters. Values
 * never send a terminal anything but visible text: what it would act on is spelled out, whether stdout is a terminal or not.
 * @throws UserError for a template that cannot be read, and for a field that there is not: it names those that there are.
 */
export function fillTemplate(template: string, value: unknown): string {
  return prepareTemplate(template)(value);
}

/** The same, for a template that is filled more than once: it is read once, and its errors come before any value. */
export function prepareTemplate(template: string): (value: unknown) => string {
  const nodes = parseTemplate(template);
  return (value) => fill(nodes, value);
}

function fill(nodes: readonly Node[], dot: unknown): string {
  return nodes.map((node) => fillNode(node, dot)).join('');
}

function fillNode(node: Node, dot: unknown): string {
  if (node.kind === 'text') return node.text;
  const value = evaluate(node.expression, dot);
  if (node.kind === 'value') return printable(show(value));
  if (node.kind === 'if') return fill(isTrue(value) ? node.body : node.otherwise, dot);
  if (node.kind === 'with') return isTrue(value) ? fill(node.body, value) : fill(node.otherwise, dot);
  const items = itemsOf(value);
  return items.length === 0 ? fill(node.otherwise, dot) : items.map((item) => fill(node.body, item)).join('');
}

function itemsOf(value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  if (typeof value === 'object') return Object.values(value);
  throw templateError(`range goes over a list, and ${quote(show(value))} is none`);
}

function evaluate(expression: Expression, dot: unknown): unknown {
  if (expression.kind === 'literal') return expression.value;
  if (expression.kind === 'field') return expression.names.reduce((value, name, at) => member(value, name, expression.names, at), dot);
  const fn = Object.hasOwn(FUNCTIONS, expression.name) ? FUNCTIONS[expression.name] : undefined;
  if (fn === undefined) throw unknown('function', expression.name, Object.keys(FUNCTIONS));
  const args = expression.args.map((argument) => evaluate(argument, dot));
  if (args.length < fn.args[0] || args.length > fn.args[1]) throw templateError(`${expression.name} is used so: {{${fn.usage}}}`);
  return fn.call(...args);
}

function member(value: unknown, name: string, names: readonly string[], at: number): unknown {
  if (value === null || value === undefined) return undefined;
  if (typeof value !== 'object' || Array.isArray(value)) {
    const what = Array.isArray(value) ? 'a list: {{range …}} goes over it' : 'no group of fields';
    throw templateError(`.${names.slice(0, at).join('.')} is ${what}, so it has no field ${quote(name)}`);
  }
  const keys = Object.keys(value);
  const key = Object.hasOwn(value, name) ? name : keys.find((candidate) => candidate.toLowerCase() === name.toLowerCase());
  if (key !== undefined) return (value as Record<string, unknown>)[key];
  throw unknown('field', `.${[...names.slice(0, at), name].join('.')}`, keys, name);
}

function unknown(kind: string, shown: string, there: readonly string[], name = shown): UserError {
  const guess = nearest(name, there) ?? nearest(name.toLowerCase(), there);
  const list = there.length === 0 ? 'it is empty' : `what there is: ${there.map(printable).join(', ')}`;
  return templateError(`there is no ${kind} ${quote(shown)}`, guess === undefined ? list : `did you mean ${printable(guess)}? ${list}`);
}

function isTrue(value: unknown): boolean {
  if (Array.isArray(value)) return value.length > 0;
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0;
  // Go's: 0 is false.
  return Boolean(value);
}

/** As Go prints: `[a b]`, `map[key:value]`. */
function show(value: unknown): string {
  if (value === null || value === undefined) return NOTHING;
  if (Array.isArray(value)) return `[${value.map(show).join(' ')}]`;
  if (typeof value !== 'object') return String(value);
  const entries = Object.entries(value).map(([key, item]) => `${key}:${show(item)}`);
  return `map[${entries.join(' ')}]`;
}

interface TemplateFunction {
  readonly usage: string;
  readonly args: readonly [least: number, most: number];
  call(...args: unknown[]): unknown;
}

const FUNCTIONS: Readonly<Record<string, TemplateFunction>> = {
  json: { usage: 'json .Field', args: [1, 1], call: (value) => printableJson(value) },
  index: { usage: 'index .Map "key"', args: [2, 9], call: (value, ...keys) => keys.reduce(indexInto, value) },
  len: { usage: 'len .List', args: [1, 1], call: lengthOf },
  join: { usage: 'join .List ","', args: [2, 2], call: (list, between) => itemsOf(list).map(show).join(show(between)) },
  upper: { usage: 'upper .Field', args: [1, 1], call: (value) => show(value).toUpperCase() },
  lower: { usage: 'lower .Field', args: [1, 1], call: (value) => show(value).toLowerCase() },
  eq: { usage: 'eq .Field "text"', args: [2, 9], call: (value, ...others) => others.some((other) => show(other) === show(value)) },
  ne: { usage: 'ne .Field "text"', args: [2, 2], call: (value, other) => show(value) !== show(other) },
  not: { usage: 'not .Field', args: [1, 1], call: (value) => !isTrue(value) },
  and: { usage: 'and .Field .Other', args: [1, 9], call: (...values) => values.find((value) => !isTrue(value)) ?? values.at(-1) },
  or: { usage: 'or .Field .Other', args: [1, 9], call: (...values) => values.find(isTrue) ?? values.at(-1) },
};

function indexInto(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    if (typeof key === 'number' && Number.isInteger(key) && key >= 0 && key < value.length) return value[key];
    throw templateError(`index: the list has ${value.length} entries, 0 to ${value.length - 1}, and no ${quote(show(key))}`);
  }
  if (typeof value !== 'object') throw templateError(`index: ${quote(show(value))} is neither a list nor a map`);
  const name = show(key);
  return Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
}

function lengthOf(value: unknown): number {
  if (value === null || value === undefined) return 0;
  if (typeof value === 'string') return value.length;
  if (typeof value === 'object') return itemsOf(value).length;
  throw templateError(`len: ${quote(show(value))} has no length`);
}
