/**
 * The bin: arguments and environment in, a command, an exit code out. Everything else is loaded after the check, since
 * an old Node cannot even read it.
 */
import { nodeProblem } from './runtime/node-version.ts';

const problem = nodeProblem(process.versions.node);

if (problem === undefined) {
  void import('./cli/run.ts').then(async ({ run }) => {
    // Where it was started, and not this file, which a bundle may have moved.
    const [, program = '', ...argv] = process.argv;
    process.exitCode = await run({ argv, env: process.env, program });
  });
} else {
  process.stderr.write(
    `flux-pro-mcp: ${problem}; install a newer one from https://nodejs.org and have the host start that one.\n`,
  );
  process.exitCode = 1;
}
