import { Args, Command, Flags } from '@oclif/core';
import { requireRoot } from '../cli/privilege.js';
import { notice } from '../cli/report.js';
import { type Copied, copyFrom, copyTo, formatBytes, UserError } from '../index.js';

export default class Cp extends Command {
  static override summary = 'Copy files and folders between a container and here';
  static override description =
    'The container runs, or is stopped and kept. A source that is a folder is copied with all that is in it: into a target that is there, or ' +
    'as a target that is not. SOURCE/. copies what is in the folder without the folder. With - a tar archive is read or written instead.';
  static override usage = ['cp [flags] NAME:SOURCE TARGET|-', 'cp [flags] SOURCE|- NAME:TARGET'];
  static override examples = [
    { description: 'A folder, to here', command: 'sudo <%= config.bin %> cp box:/var/log .' },
    { description: 'A file, under another name', command: 'sudo <%= config.bin %> cp my.conf box:/etc/app.conf' },
    { description: 'What is in a folder, as a tar archive', command: 'sudo <%= config.bin %> cp box:/etc/. - | tar tv' },
  ];
  static override args = {
    source: Args.string({ description: 'NAME:PATH, a path here, or - for a tar archive on stdin', required: true, ignoreStdin: true }),
    target: Args.string({ description: 'NAME:PATH, a path here, or - for a tar archive on stdout', required: true, ignoreStdin: true }),
  };
  static override flags = {
    'follow-link': Flags.boolean({ char: 'L', summary: 'Copy what the link SOURCE leads to, not the link' }),
    archive: Flags.boolean({ char: 'a', summary: 'Keep user and group, by number as inside' }),
    quiet: Flags.boolean({ char: 'q', summary: 'Do not say what was copied' }),
  };

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Cp);
    const [source, target] = [inContainer(args.source), inContainer(args.target)];
    if (source && target) throw new UserError('crt cp does not copy from container to container', { hint: 'copy it here first' });
    if (!source && !target)
      throw new UserError('one of the two paths is to be in a container: NAME:PATH', { hint: 'for example: sudo crt cp box:/etc/hosts .' });
    requireRoot('cp', this.argv);
    const options = { followLink: flags['follow-link'], archive: flags.archive };
    const copied = source
      ? await copyFrom(source.name, source.path, args.target === '-' ? stdout() : args.target, options)
      : await copyTo(args.source === '-' ? process.stdin : args.source, target?.name ?? '', target?.path ?? '', options);
    for (const path of copied.leftOut) notice(`left out, being a device, a socket or a pipe, or gone meanwhile: ${path}`);
    if (!flags.quiet && args.target !== '-') say(copied, args.target);
  }
}

/** Docker's rule: what begins like a path is one, whatever colons it has. */
function inContainer(text: string): { name: string; path: string } | undefined {
  const colon = text.indexOf(':');
  if (colon <= 0 || /^[./]/.test(text)) return undefined;
  return text.slice(0, colon).includes('/') ? undefined : { name: text.slice(0, colon), path: text.slice(colon + 1) };
}

function stdout(): NodeJS.WriteStream {
  if (process.stdout.isTTY) throw new UserError('a tar archive is nothing for a terminal', { hint: 'crt cp NAME:PATH - > FILE.tar' });
  return process.stdout;
}

function say({ bytes }: Copied, target: string): void {
  notice(`copied ${formatBytes(bytes)} to ${target}`);
}
