/** Proves when a host counts as one that cannot ask its user. */
import { describe, expect, it } from 'vitest';
import { profileNamed } from '../../../src/mcp/host-profiles.ts';
import { Questions } from '../../../src/mcp/questions.ts';

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

describe('questions', () => {
  it('are answered by a yes and by a no, until one is not', () => {
    const questions = new Questions();
    expect(questions.isUnanswered).toBe(false);
    for (const answer of ['yes', 'no'] as const) {
      questions.answered('unanswered');
      expect(questions.isUnanswered).toBe(true);
      questions.answered(answer);
      expect(questions.isUnanswered).toBe(false);
    }
  });

  it('inside results are unanswered until the answer comes', () => {
    const questions = new Questions();
    questions.asked();
    expect(questions.isUnanswered).toBe(true);
    questions.answered('no');
    expect(questions.isUnanswered).toBe(false);
  });
});
