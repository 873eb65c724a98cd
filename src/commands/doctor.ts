import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { asTyped, programWord } from '../cli/privilege.js';
import { isUtf8, screen } from '../cli/screen.js';
import { EndingSignals } from '../cli/signals.js';
import { doctor, explainCheck, packageManager, renderDoctor, renderFixScript } from '../index.js';

export default class Doctor extends Command {
  static override summary = 'Tell whether this machine can run containers, and what is missing';
  static override description = [
    'Every check tries the thing itself, the way crt run does it, and leaves nothing behind. Without root most cannot look.',
    'The exit code is 0 when nothing keeps crt run from working, 1 when something does, 125 when crt doctor itself failed.',
  ].join('\n\n');
  static override usage = 'doctor [GROUP|CHECK...] [flags]';
  static override examples = [
    { description: 'Everything', command: 'sudo <%= config.bin %> doctor' },
    { description: 'A group, or one check, in full', command: 'sudo <%= config.bin %> doctor cgroup overlay -v' },
    { description: 'What repairs it, to be read and pasted', command: 'sudo <%= config.bin %> doctor --fix-script' },
    { description: 'What a check tries, and why', command: '<%= config.bin %> doctor --explain helper' },
    { description: 'For a program', command: 'sudo <%= config.bin %> doctor --json' },
  ];
  static override args = {
    only: Args.string({ description: 'Groups and checks; default all', multiple: true, ignoreStdin: true }),
  };
  static override flags = {
    verbose: Flags.boolean({ char: 'v', summary: 'Every finding, not only what is wrong' }),
    json: Flags.boolean({ summary: 'The report as one JSON object', exclusive: ['fix-script', 'explain'] }),
    strict: Flags.boolean({ summary: 'Exit code 1 for warnings, too' }),
    'fix-script': Flags.boolean({ summary: 'Print what repairs it, for sh; it is not run', exclusive: ['json', 'explain'] }),
    explain: Flags.string({ helpValue: 'CHECK', summary: 'What the check tries, why, and how it is repaired' }),
    rootfs: Flags.string({ helpValue: 'DIR', summary: 'The root file system to look at; default: the one that crt run takes' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Doctor);
    const page = screen(1);
    if (flags.explain !== undefined) {
      writeAll(1, explainCheck(flags.explain, page));
      return 0;
    }
    const only = args.only ?? [];
    const ending = new EndingSignals();
    const options = {
      only,
      program: programWord(),
      signal: ending.signal,
      ...(flags.rootfs === undefined ? {} : { rootfs: flags.rootfs }),
    };
    const report = await doctor(options).catch((error: unknown) => {
      if (ending.exitCode === undefined) throw error;
      return undefined;
    });
    // Whoever ended it does not want half a report.
    if (report === undefined) return ending.exitCode ?? 0;
    const manager = packageManager();
    if (flags.json) writeAll(1, `${JSON.stringify(report, undefined, 2)}\n`);
    else if (flags['fix-script']) writeAll(1, renderFixScript(report, manager));
    else {
      const program = asTyped();
      writeAll(1, renderDoctor(report, { ...page, unicode: isUtf8(), verbose: flags.verbose, partial: only.length > 0, program, manager }));
    }
    return report.verdict === 'fail' || (flags.strict && report.verdict === 'warn') ? 1 : 0;
  }
}
