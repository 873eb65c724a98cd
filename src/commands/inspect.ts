import { Args, Command, Flags } from '@oclif/core';
import { writeAll } from '../cli/output.js';
import { report } from '../cli/report.js';
import { type ContainerInspection, inspect, prepareTemplate, printableJson } from '../index.js';

export default class Inspect extends Command {
  static override summary = 'Show all that is known of containers';
  static override description =
    'A JSON array, one object a container, running or not: its state, command, rootfs, limits and counters, namespaces beside those of ' +
    'the host, mounts, ids, and the OCI config that it was started by. Nothing is changed.';
  static override usage = 'inspect [-f json|TEMPLATE] NAME...';
  static override examples = [
    { description: 'Everything', command: 'sudo <%= config.bin %> inspect box' },
    { description: 'One field', command: "sudo <%= config.bin %> inspect -f '{{.state.pid}}' box" },
    {
      description: 'What it sees mounted',
      command: "sudo <%= config.bin %> inspect -f '{{range .mounts}}{{.target}} {{.type}}\\n{{end}}' box",
    },
  ];
  static override args = { name: Args.string({ description: 'Names of containers', required: true, multiple: true, ignoreStdin: true }) };
  static override flags = {
    format: Flags.string({ char: 'f', helpValue: 'json|TEMPLATE', summary: 'json, or a template: {{.state.pid}} {{json .mounts}}' }),
  };

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Inspect);
    const render = flags.format === undefined || flags.format === 'json' ? undefined : prepareTemplate(flags.format);
    let exitCode = 0;
    const found: ContainerInspection[] = [];
    // Each name is tried, as docker does.
    for (const name of new Set(args.name)) {
      try {
        const inspection = inspect(name);
        if (render === undefined) found.push(inspection);
        else writeAll(1, `${render(inspection)}\n`);
      } catch (error) {
        exitCode = Math.max(exitCode, report(error));
      }
    }
    if (render === undefined) writeAll(1, `${printableJson(found, 2)}\n`);
    return exitCode;
  }
}
