/** Lists the tools, with schemas and annotations made from the tools' own data. The build replaces it by the finished list. */
import type { Tool as ListedTool } from '@modelcontextprotocol/server';
import * as z from 'zod';
import { TOOLS } from './catalogue.ts';
import type { Tool } from './tool.ts';
import { URI } from './uris.ts';

export function listTools(): ListedTool[] {
  return TOOLS.map(listedTool);
}

export function listedTool(tool: Tool): ListedTool {
  const spends = tool.effect === 'spend';
  return {
    name: tool.name,
    title: tool.title,
    description: tool.description,
    inputSchema: jsonSchema(tool.input, 'input'),
    ...(tool.output !== undefined && { outputSchema: jsonSchema(tool.output, 'output') }),
    annotations: {
      readOnlyHint: !spends,
      destructiveHint: false,
      idempotentHint: !spends,
      openWorldHint: true,
    },
    // The second name is the one that early hosts know.
    ...(tool.hasViewer && { _meta: { ui: { resourceUri: URI.viewer }, 'ui/resourceUri': URI.viewer } }),
  };
}

/** Gemini refuses tools whose schema has `multipleOf`. The check remains, and the description names the step. */
function leaveOut(schema: z.core.JSONSchema.BaseSchema): void {
  delete schema.multipleOf;
  // Not bounds, but what a whole number is to JavaScript.
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

/** Clients check the types of an answer; what it may gain is no reason to refuse it, and words are paid for. */
function leaveTypes(schema: z.core.JSONSchema.BaseSchema, isWhole: boolean): void {
  delete schema.additionalProperties;
  delete schema.enum;
  delete schema.description;
  if (!isWhole) delete schema.required;
}

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): ListedTool['inputSchema'] {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema: one, path }) {
      leaveOut(one);
      if (io === 'output') leaveTypes(one, path.length === 0);
    },
  });
  // The schema of a strict object always has the type "object", which zod's type does not say.
  return json as ListedTool['inputSchema'];
}
