// What V8 has compiled is kept for the next start (docs/decisions/compiled-code.md).
const { closeSync, constants, fstatSync, lstatSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } =
  require('node:fs');
const { createRequire } = require('node:module');
const { basename, dirname, join } = require('node:path');

const DIGEST_BYTES = 32;
const MOST_BYTES = 16 << 20;
/** Of all copies of crt and all Nodes of a machine together: 40 megabytes at the most. */
const MOST_FILES = 24;
const OURS = /\.code(\.\d+)?$/;
/** Commands that need other functions than the rest. Only what has run is compiled, and so kept. */
const KINDS = ['run', 'exec', 'undo'];
/** With one of these words a command may do little: it uses what others have left, and leaves nothing. */
const IDLE = ['--dry-run', '--help', '-h'];
/** Seconds. In time V8 drops again what runs no more. */
const FRESH = 60;
const DIST = join(__dirname, '..', 'dist');
/** As Node wraps a module. */
const HEAD = '(function (exports, require, module, __filename, __dirname) { ';
const TAIL = '\n})';

/** Root's must lie where nobody else writes; other users get none. Anything amiss costs a few milliseconds, no more. */
function keepCompiledCode(folder, dist = DIST) {
  const isRoot = process.getuid?.() === 0 && process.geteuid() === 0;
  if (isRoot && quietly(() => isOurs(folder))) keepBundles(folder, dist);
}

function isOurs(folder) {
  const stat = lstatSync(folder, { throwIfNoEntry: false }) ?? made(folder);
  return stat.isDirectory() && stat.uid === 0 && (stat.mode & 0o077) === 0;
}

function made(folder) {
  mkdirSync(folder, { mode: 0o700 });
  return lstatSync(folder);
}

/**
 * The bundles end in .cjs. A Node that has given up `require.extensions` loads them as it does; so does any, what is not a bundle, and
 * all while it counts what runs, which kept code is not made for.
 */
function keepBundles(folder, dist) {
  const { extensions } = require;
  if (!extensions || process.env.NODE_V8_COVERAGE) return;
  const load = extensions['.cjs'] ?? extensions['.js'];
  extensions['.cjs'] = (module, filename) => (dirname(filename) === dist ? run(module, filename, folder) : load(module, filename));
}

/** Runs a module as Node does, but for what is compiled already. It can import nothing (scripts/bundle.js): code that was kept has lost who asks. */
function run(module, filename, folder) {
  const vm = require('node:vm');
  const source = readFileSync(filename);
  const path = join(folder, nameOf(filename));
  const cachedData = quietly(() => readCode(path, source));
  const script = new vm.Script(HEAD + source.toString() + TAIL, {
    filename,
    // Lines and columns of a stack trace are those of the file.
    columnOffset: -HEAD.length,
    cachedData,
  });
  const isWanted = (exitCode) => exitCode === 0 && process.uptime() < FRESH && !IDLE.some((word) => process.argv.includes(word));
  // At the end, when all that it needs is compiled.
  if (cachedData === undefined || script.cachedDataRejected)
    process.once('exit', (exitCode) => isWanted(exitCode) && quietly(() => writeCode(path, source, script)));
  script.runInThisContext().call(module.exports, module.exports, createRequire(filename), module, filename, dirname(filename));
}

/** Of a copy of crt, a Node and its options (V8 takes no code of another's), and a kind of command. */
function nameOf(filename) {
  const kind = KINDS.find((word) => word === process.argv[2]);
  const key = [filename, process.arch, process.env.NODE_OPTIONS, ...process.execArgv, kind].join('\0');
  return `${basename(filename)}-${process.version}-${sha256(key).toString('hex', 0, 8)}.code`;
}

function sha256(...parts) {
  const hash = require('node:crypto').createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest();
}

/**
 * Code that was compiled from this very source, whole. V8 itself compares no more than the length of the source, and believes
 * what it is given.
 */
function readCode(path, source) {
  // Not blocking, should it be a FIFO.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(fd);
    if (!stat.isFile() || stat.uid !== process.geteuid() || (stat.mode & 0o077) !== 0 || stat.size > MOST_BYTES) return undefined;
    const content = readFileSync(fd);
    const code = content.subarray(0, -DIGEST_BYTES);
    return sha256(source, code).equals(content.subarray(-DIGEST_BYTES)) ? code : undefined;
  } finally {
    closeSync(fd);
  }
}

/** By a name of its own and a rename, so that no one reads half a file. Opened first: where nothing can be written nothing is made. */
function writeCode(path, source, script) {
  makeRoom(dirname(path), basename(path));
  const temporary = `${path}.${process.pid}`;
  rmSync(temporary, { force: true });
  const fd = openSync(temporary, 'wx', 0o600);
  try {
    const code = script.createCachedData();
    writeFileSync(fd, Buffer.concat([code, sha256(source, code)]));
    renameSync(temporary, path);
  } catch {
    rmSync(temporary, { force: true });
  } finally {
    closeSync(fd);
  }
}

/** The oldest go; one that a writer who was killed has left is the oldest some day. */
function makeRoom(folder, name) {
  const others = readdirSync(folder).filter((file) => OURS.test(file) && file !== name);
  const age = (file) => lstatSync(join(folder, file), { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const byAge = others.map((file) => ({ file, age: age(file) })).sort((a, b) => b.age - a.age);
  for (const { file } of byAge.slice(MOST_FILES - 1)) rmSync(join(folder, file), { force: true });
}

function quietly(attempt) {
  try {
    return attempt();
  } catch {
    return undefined;
  }
}

module.exports = { keepCompiledCode, keepBundles };
