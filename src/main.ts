/**
 * The bin: arguments and environment in, a command, an exit code out. Everything else is loaded after the check of the
 * version, in syntax that old ones can read: an old Node should report the problem, not crash.
 */

/** As package.json says under `engines`. */
const NODE_MIN = '20.18.1';

const { node } = process.versions;
const rank = (version: string): number => version.split('.').reduce((sum, part) => sum * 1_000 + parseInt(part, 10), 0);

if (rank(node) < rank(NODE_MIN)) {
  process.stderr.write(
    `flux-pro-mcp: Node.js ${NODE_MIN} or newer is needed, and this is ${node}; install a newer one from https://nodejs.org and have the host start that one.\n`,
  );
  process.exitCode = 1;
} else {
  void import('./cli/run.ts').then(async ({ run }) => {
    // Where it was started, and not this file, which a bundle may have moved.
    const [, program = '', ...argv] = process.argv;
    process.exitCode = await run({ argv, env: process.env, program });
  });
}
