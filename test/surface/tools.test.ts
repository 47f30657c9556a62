/** What a host sees listed is a reviewed contract: one snapshot for each tool, and rules over all of them. */
import { readdirSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TOOLS } from '../../src/mcp/catalogue.ts';
import { ERAS, type Story, startStory } from '../support/start-client.ts';

type ObjectSchema = { additionalProperties?: unknown; properties: Record<string, Record<string, unknown>> };
type Listed = {
  name: string;
  title?: string;
  description: string;
  inputSchema: ObjectSchema;
  outputSchema?: Record<string, unknown>;
  annotations: Record<string, unknown>;
};

let story: Story;
let listed: Listed[];
beforeAll(async () => {
  story = await startStory();
  listed = (await story.listTools()) as Listed[];
});
afterAll(() => story.close());

const SNAPSHOTS = new URL('./snapshots/', import.meta.url);

describe('each tool', () => {
  it.each(TOOLS.map((tool) => tool.name))('%s is listed as in its snapshot', async (name) => {
    const tool = listed.find((entry) => entry.name === name);
    await expect(`${JSON.stringify(tool, null, 2)}\n`).toMatchFileSnapshot(`./snapshots/${name}.json`);
  });

  it('has a snapshot, and every snapshot a tool', () => {
    const files = readdirSync(SNAPSHOTS).filter((file) => file.endsWith('.json'));
    expect(files.sort()).toEqual([...TOOLS.map((tool) => `${tool.name}.json`)].sort());
  });
});

describe('every tool', () => {
  it('is one of the public interface', () => {
    expect(listed.map((tool) => tool.name)).toEqual([
      'generate_image',
      'generate_images',
      'get_job_status',
      'list_jobs',
      'check_rate_limits',
    ]);
  });

  it('has a title and a description that no host drops', () => {
    for (const tool of listed) {
      expect(tool.title, tool.name).toBeTruthy();
      expect(tool.description.length, tool.name).toBeLessThanOrEqual(1_024);
      expect(tool.description.length, tool.name).toBeGreaterThan(100);
    }
  });

  it('says what it costs and what comes back', () => {
    for (const tool of listed) {
      expect(tool.description, tool.name).toMatch(/costs|pays|Costs/);
      expect(tool.description, tool.name).toMatch(/[Rr]eturns|[Tt]ells/);
    }
  });

  it('refuses unknown arguments and describes each known one with its bounds', () => {
    for (const tool of listed) {
      const whole: ObjectSchema[] = [tool.inputSchema];
      // A list may say that its entries are as in generate_image, which describes arguments of these names.
      const lists = Object.values(tool.inputSchema.properties).flatMap(({ items, description }) =>
        items && 'properties' in (items as object) ? [{ description, ...(items as ObjectSchema) }] : [],
      );
      const fields = [...whole, ...lists].flatMap((schema: ObjectSchema & { description?: unknown }) => {
        expect(schema.additionalProperties, tool.name).toBe(false);
        const there = /as in generate_image/u.test(String(schema.description)) ? listed[0]?.inputSchema.properties : {};
        return Object.entries(schema.properties).map(([name, field]): [string, typeof field] => [
          name,
          { description: there?.[name]?.description, ...field },
        ]);
      });
      for (const [name, schema] of fields) {
        const where = `${tool.name}.${name}`;
        expect(name, where).toMatch(/^[a-z]+(?:_[a-z]+)*$/);
        expect(String(schema.description ?? '').length, where).toBeGreaterThan(10);
        const bounded =
          schema.enum ??
          schema.maxLength ??
          schema.maximum ??
          schema.maxItems ??
          (schema.type === 'boolean' || undefined);
        expect(bounded, where).toBeDefined();
      }
    }
  });

  it('declares its annotations by its effect', () => {
    for (const tool of TOOLS) {
      const annotations = listed.find((entry) => entry.name === tool.name)?.annotations;
      expect(annotations, tool.name).toMatchObject({
        readOnlyHint: tool.effect === 'read',
        idempotentHint: tool.effect === 'read',
        destructiveHint: false,
        openWorldHint: true,
      });
    }
  });

  it('declares an output schema only where data is always sent', () => {
    expect(listed.filter((tool) => tool.outputSchema !== undefined).map((tool) => tool.name)).toEqual([
      'list_jobs',
      'check_rate_limits',
    ]);
  });

  it('takes no secret as an argument', () => {
    for (const tool of listed) expect(Object.keys(tool.inputSchema.properties).join()).not.toMatch(/key|secret|token/);
  });
});

it('lists the same in every era, without starting anything', async () => {
  for (const era of ERAS) {
    const other = await startStory({ era });
    expect(await other.listTools(), era).toEqual(listed);
    expect(other.startedApps(), era).toBe(0);
    expect(other.sandbox.inspect().requests, era).toEqual([]);
    await other.close();
  }
});

it('instructs an agent in under 2,048 characters', () => {
  const text = story.instructions() ?? '';
  expect(text.length).toBeLessThan(2_048);
  for (const word of ['generate_image', 'get_job_status', 'Never call generate_image again'])
    expect(text).toContain(word);
});
