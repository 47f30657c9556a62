/** What a driver is to do, and how it reports: every driver runs its framework with the same prompts. */

/** @type {{ dialect: 'chat'|'responses'|'anthropic'|'gemini', url: string, server: { command: string, args: string[], env: Record<string, string> }, prompts: string[], timeoutMs?: number }} */
export const task = JSON.parse(process.env.HOSTS_TASK);

export const MODELS = {
  chat: 'gpt-4.1',
  responses: 'gpt-4.1',
  anthropic: 'claude-sonnet-5',
  gemini: 'gemini-2.5-flash',
};
export const model = MODELS[task.dialect];

/** What SDKs of model providers take as base address. */
export const openAiUrl = `${task.url}/v1`;
export const apiKey = 'no-key-is-needed-here';

/** Runs each prompt; an error ends this prompt only, as it would end one turn of a user's app. */
export async function runPrompts(run) {
  for (const prompt of task.prompts) {
    try {
      const text = await run(prompt);
      console.log(JSON.stringify({ text: String(text ?? '').slice(0, 500) }));
    } catch (error) {
      console.log(JSON.stringify({ error: String(error?.stack ?? error).slice(0, 2000) }));
    }
  }
}
