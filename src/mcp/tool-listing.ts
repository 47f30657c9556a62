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
 * clients learn the types: what is not known is absent, fields may be added, and an answer itself has the words.
 */
const LEFT_OUT = {
  input: ['multipleOf'],
  output: ['additionalProperties', 'description', 'enum', 'minimum', 'maximum', 'required'],
} as const;

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): ListedTool['inputSchema'] {
  const { $schema: _, ...json } = z.toJSONSchema(schema, {
    io,
    override({ jsonSchema: one }) {
      for (const word of LEFT_OUT[io]) delete one[word];
    },
  });
  // The schema of a strict object always has the type "object", which zod's type does not say.
  return json as ListedTool['inputSchema'];
}
