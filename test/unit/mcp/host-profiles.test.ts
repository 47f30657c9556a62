/** Proves which parts of a result each host gets. */
import { describe, expect, it } from 'vitest';
import { RESULT_PARTS } from '../../../src/core/result-part.ts';
import { HOST_PROFILES, type HostIdentity, profileOf } from '../../../src/mcp/host-profiles.ts';

const NEW = '2025-11-25';
const named = (clientName: string, protocolVersion = NEW): HostIdentity => ({ clientName, protocolVersion });
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
    ['Kiro', 'Kiro'],
    ['github-copilot-developer', 'Copilot CLI'],
    [' CLAUDE-AI ', 'Claude Desktop'],
  ])('that calls itself %j is %s', (clientName, host) => {
    expect(hostOf(clientName)).toBe(host);
  });

  it.each(['', 'my-vscode', 'not-claude-ai', 'mcp-inspector', 'claude'])(
    'that only resembles a known one is an unknown one: %j',
    (clientName) => {
      expect(hostOf(clientName)).toBe('any other host');
    },
  );

  it('that says nothing of itself is an unknown one without links', () => {
    expect(profileOf({})).toMatchObject({ host: 'any other host', parts: ['text', 'image', 'structured'] });
  });
});

describe('a resource link', () => {
  it.each(['2025-06-18', '2025-11-25', '2026-07-28'])('goes to an unknown host from protocol %s', (protocol) => {
    expect(profileOf(named('new-host', protocol)).parts).toContain('link');
  });

  it.each(['2024-11-05', '2025-03-26'])('never goes out under protocol %s, which does not know it', (protocol) => {
    for (const { clientNames } of HOST_PROFILES) {
      expect(profileOf(named(clientNames[0] ?? 'new-host', protocol)).parts).not.toContain('link');
    }
  });

  it.each(['claude-ai', 'claude-code', 'codex-mcp-client', 'cline', 'kiro'])('never goes to %s', (clientName) => {
    expect(profileOf(named(clientName)).parts).not.toContain('link');
  });
});

describe('the structured part', () => {
  it.each(['claude-code', 'vscode', 'visual studio code', 'cursor'])(
    'does not go to %s, which would drop the rest or drop it',
    (clientName) => {
      expect(profileOf(named(clientName)).parts).not.toContain('structured');
    },
  );
});

describe('every profile', () => {
  it.each(HOST_PROFILES)('gives $host text, and a size that Claude Desktop would take', (profile) => {
    expect(profile.parts[0]).toBe('text');
    expect(new Set(profile.parts).size).toBe(profile.parts.length);
    for (const part of profile.parts) expect(RESULT_PARTS).toContain(part);
    expect(profile.maxResultCharacters).toBeLessThan(1_048_576);
    expect(profile.why).not.toBe('');
    for (const name of profile.clientNames) expect(name).toBe(name.toLowerCase());
  });

  it('sends pictures to all but the one where they never arrive', () => {
    const without = HOST_PROFILES.filter(({ parts }) => !parts.includes('image')).map(({ host }) => host);
    expect(without).toEqual(['Copilot CLI']);
  });

  it("keeps Claude Code's result under its cap of 25,000 tokens, at two characters a token", () => {
    expect(profileOf(named('claude-code')).maxResultCharacters).toBeLessThan(50_000);
  });
});
