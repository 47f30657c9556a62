/** Proves which parts of a result each host gets. */
import { describe, expect, it } from 'vitest';
import { RESULT_CONTENT } from '../../../src/core/ports.ts';
import { HOST_PROFILES, profileNamed, profileOf } from '../../../src/mcp/hosts.ts';

const NEW = '2025-11-25';
const named = (clientName: string, protocolVersion = NEW) => ({ clientName, protocolVersion });
const hostOf = (clientName: string): string => profileOf(named(clientName)).host;

describe('a host', () => {
  it.each([
    ['claude-ai', 'Claude Desktop'],
    ['claude-code', 'Claude Code'],
    ['claude-code-vscode', 'Claude Code'],
    ['Visual Studio Code', 'VS Code'],
    ['Visual Studio Code - Insiders', 'VS Code'],
    ['vscode', 'VS Code'],
    ['cursor-vscode', 'Cursor'],
    ['Cursor', 'Cursor'],
    ['codex-mcp-client', 'Codex'],
    ['Cline', 'Cline'],
    ['@cline/core', 'Cline'],
    ['copilot-cli', 'Copilot CLI'],
    ['github-copilot-developer', 'Copilot CLI'],
    ['gemini-cli-mcp-client', 'Gemini CLI'],
    ['mcp-test-client', 'Gemini CLI'],
    ['opencode', 'opencode'],
    ['qwen-cli-mcp-client-flux', 'Qwen Code'],
    ['strands-agents-ts-sdk', 'Strands Agents'],
    ['pi-mcp-adapter', 'pi'],
    ['kimi-code', 'Kimi Code'],
    ['goose', 'Goose'],
    ['ai-sdk-mcp-client', 'AI SDK'],
    ['@langchain/mcp-adapters', 'LangChain'],
    ['langchain-mcp-adapter', 'LangChain'],
    ['mcp-use', 'mcp-use'],
    ['mcp-client-cli', 'LlamaIndex.TS'],
    ['continue-cli-client', 'Continue CLI'],
    [' CLAUDE-AI ', 'Claude Desktop'],
    ['claude-ai (via mcp-remote 0.1.29)', 'Claude Desktop'],
    ['Cursor 1.2', 'Cursor'],
  ])('that calls itself %j is %s', (clientName, host) => {
    expect(hostOf(clientName)).toBe(host);
  });

  it.each([
    '',
    'my-vscode',
    'not-claude-ai',
    'mcp-inspector',
    'claude',
    'claude-aide',
    'copilotkit',
    'cursory',
    'clineage',
    'gooseberry',
    'opencoder',
    'pi-mc',
    'MCPClient',
    'Kiro',
  ])('that only resembles a known one is an unknown one: %j', (clientName) => {
    expect(hostOf(clientName)).toBe('any other host');
  });

  it.each([
    ['ten kilobytes long', 'claude-ai'.padEnd(10_000, ' x')],
    ['with control characters', 'claude-ai\u0000'],
    ['with a terminal escape', 'cursor\u001b[2J'],
    ['of two lines', 'claude-code\nvscode'],
  ])('whose name is hostile is an unknown one: %s', (_, clientName) => {
    expect(hostOf(clientName)).toBe('any other host');
  });

  it('that says nothing of itself is an unknown one without links', () => {
    expect(profileOf({})).toMatchObject({ host: 'any other host', content: ['text', 'image', 'structured'] });
  });
});

describe('a resource link', () => {
  const links = (clientName: string, protocol: string): boolean =>
    profileOf(named(clientName, protocol)).content.includes('link');

  it.each(['2025-06-18', '2025-11-25', '2026-07-28'])(
    'goes to VS Code and Cursor alone under protocol %s',
    (protocol) => {
      const receivers = HOST_PROFILES.filter(({ clientNames }) => links(clientNames[0] ?? 'new-host', protocol));
      expect(receivers.map(({ host }) => host)).toEqual(['VS Code', 'Cursor']);
    },
  );

  it.each(['2024-11-05', '2025-03-26'])('never goes out under protocol %s, which does not know it', (protocol) => {
    for (const { clientNames } of HOST_PROFILES) expect(links(clientNames[0] ?? 'new-host', protocol)).toBe(false);
    expect(profileOf(named('vscode', protocol), ['text', 'link']).content).toEqual(['text']);
  });

  it('goes where the user has set it', () => {
    expect(profileOf(named('new-host'), ['link', 'text']).content).toEqual(['text', 'link']);
  });
});

describe('the structured part', () => {
  it('goes to Claude Desktop and unknown hosts alone: the others would drop the rest for it, or drop it', () => {
    const receivers = HOST_PROFILES.filter(({ content }) => content.includes('structured'));
    expect(receivers.map(({ host }) => host)).toEqual(['Claude Desktop', 'any other host']);
  });
});

describe('the AI SDK', () => {
  const contentUnder = (protocol: string): readonly string[] =>
    profileOf(named('ai-sdk-mcp-client (flux)', protocol)).content;

  it.each(['2024-11-05', '2025-03-26', '2025-06-18'])('gets text alone under protocol %s', (protocol) => {
    expect(contentUnder(protocol)).toEqual(['text']);
  });

  it.each(['2025-11-25', '2026-07-28'])('gets the picture under protocol %s', (protocol) => {
    expect(contentUnder(protocol)).toEqual(['text', 'image']);
  });

  it('gets text alone when it does not say what it speaks', () => {
    expect(profileOf({ clientName: 'ai-sdk-mcp-client' }).content).toEqual(['text']);
  });
});

describe('what the user has set', () => {
  it('overrides the parts and keeps the bounds', () => {
    for (const { clientNames, maxCharacters, maxBatchCharacters, content } of HOST_PROFILES) {
      if (!content.includes('image')) continue;
      const profile = profileOf(named(clientNames[0] ?? 'new-host'), ['text', 'image', 'structured']);
      expect(profile).toMatchObject({ content: ['text', 'image', 'structured'], maxCharacters, maxBatchCharacters });
    }
  });

  it.each(['@langchain/mcp-adapters', 'cline', 'copilot-cli', 'mcp-use'])(
    'makes room for a picture on %s, as much as an unknown host has',
    (clientName) => {
      expect(profileOf(named(clientName), ['text', 'image'])).toMatchObject({
        content: ['text', 'image'],
        maxCharacters: 16_000,
        maxBatchCharacters: 24_000,
      });
    },
  );
});

describe('every profile', () => {
  it.each(HOST_PROFILES)('gives $host text, and a size that Claude Desktop would take', (profile) => {
    expect(profile.content[0]).toBe('text');
    expect(new Set(profile.content).size).toBe(profile.content.length);
    for (const part of profile.content) expect(RESULT_CONTENT).toContain(part);
    expect(profile.maxCharacters).toBeLessThan(1_048_576);
    expect(profile.maxBatchCharacters).toBeLessThan(1_048_576);
    expect(profile.why).not.toBe('');
    for (const name of profile.clientNames) expect(name).toBe(name.toLowerCase());
  });

  it('sends pictures to all but those where they never arrive, or arrive as text', () => {
    const without = HOST_PROFILES.filter(({ content }) => !content.includes('image')).map(({ host }) => host);
    expect(without).toEqual(['Copilot CLI', 'Cline', 'LangChain', 'mcp-use', 'LlamaIndex.TS', 'Continue CLI']);
  });

  it("keeps Claude Code's result under its cap of 25,000 tokens, at 1.5 characters a token", () => {
    const { maxCharacters, maxBatchCharacters } = profileOf(named('claude-code'));
    expect(Math.max(maxCharacters, maxBatchCharacters) / 1.5).toBeLessThan(25_000);
  });

  it('is harmless for unknown hosts: 16,000 characters for one picture, 24,000 for several', () => {
    expect(profileOf(named('new-host'))).toMatchObject({ maxCharacters: 16_000, maxBatchCharacters: 24_000 });
  });
});

describe('a host that declines by itself', () => {
  it.each([
    'codex-mcp-client',
    'Codex-MCP-Client',
    ' codex-mcp-client/0.171',
    'copilot-cli',
    'GitHub-Copilot',
    'github-copilot-developer',
  ])('is known by its name: %s', (name) => {
    expect(profileNamed(name).declinesQuestions).toBe(true);
  });

  it.each([
    undefined,
    '',
    'claude-code',
    'my-codex-mcp-client',
    'copilot',
    'codex',
    'copilot-client',
    'github-copilots',
    `copilot-cli ${'x'.repeat(1_000)}`,
  ])('is not: %s', (name) => {
    expect(profileNamed(name).declinesQuestions).toBeUndefined();
  });
});
