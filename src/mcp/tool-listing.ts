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

/**
 * Gemini refuses tools whose schema has `multipleOf`; the check remains, and the description names the step. Of an answer
 * clients learn the types: it may gain fields, and nobody reads words about it before there is one.
 */
const LEFT_OUT = {
  input: ['multipleOf'],
  output: ['additionalProperties', 'description', 'enum', 'minimum', 'maximum'],
} as const;

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): ListedTool['inputSchema'] {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema: one, path }) {
      for (const word of LEFT_OUT[io]) delete one[word];
      if (io === 'output' && path.length > 0) delete one.required;
    },
  });
  // The schema of a strict object always has the type "object", which zod's type does not say.
  return json as ListedTool['inputSchema'];
}
