/**
 * A Node that is too old is told in one sentence. Here an old one is faked by a preload that changes its version: that
 * cannot know whether an old Node could read the start file at all, which `npm run test:node` tries with real ones.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { CHECKOUT, unpackPackage } from '../support/packed-program.ts';
import { RawHost } from '../support/raw-host.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

async function startAs(version: string, args: string[] = []) {
  const home = await packed.newHome();
  const preload = join(home.folder, 'old-node.cjs');
  const versions = `{ ...process.versions, node: ${JSON.stringify(version)} }`;
  await writeFile(
    preload,
    `Object.defineProperty(process, 'versions', { value: ${versions} });
     Object.defineProperty(process, 'version', { value: ${JSON.stringify(`v${version}`)} });`,
  );
  return packed.start(args, { home, env: { NODE_OPTIONS: `--require=${preload}` } });
}

describe('Node', () => {
  it.each(['12.22.12', '16.20.2', '18.20.8', '19.9.0', '20.9.0', '20.18.0'])(
    '%s ends with one sentence on stderr, whatever is asked for',
    async (version) => {
      for (const args of [[], ['serve', '--sandbox'], ['--help'], ['doctor']]) {
        const program = await startAs(version, args);
        program.child.stdin.end();
        expect(await program.exit).toMatchObject({ code: 1, signal: null });
        expect(program.stdout()).toBe('');
        expect(program.stderr()).toBe(
          `flux-pro-mcp: Node.js 20.18.1 or newer is needed, and this is ${version}; install a newer one from https://nodejs.org and have the host start that one.\n`,
        );
      }
    },
  );

  it.each(['20.18.1', '20.19.0', '22.0.0', '24.11.1', '26.0.0-nightly20270101'])(
    '%s is new enough',
    async (version) => {
      const program = await startAs(version);
      const host = new RawHost(program);
      await host.handshake();
      expect(await host.toolNames()).toContain('generate_image');
      program.child.stdin.end();
      expect((await program.exit).code).toBe(0);
      expect(program.stderr()).toBe('');
    },
  );
});

describe('the start file', () => {
  it('imports nothing before the check, and is in syntax that old Nodes read', async () => {
    const code = await readFile(packed.main, 'utf8');
    expect(code.length).toBeLessThan(2_000);
    expect(code).not.toMatch(/\bimport\s*["'{*\w]|\brequire\b|import\.meta|\?\?|\?\.|#\w+\s*[;=(]|\|\|=|&&=/);
    expect(code.match(/\bimport\(/g)).toHaveLength(1);
  });

  it('wants the version that the package declares', async () => {
    const { engines } = JSON.parse(await readFile(join(CHECKOUT, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    expect(engines.node).toBe('>=20.18.1');
  });
});
