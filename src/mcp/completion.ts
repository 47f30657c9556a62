/** Offers what an argument may be while it is typed: ids of jobs and pictures, and words for prompts. */
import type { CompleteRequest, CompleteResult } from '@modelcontextprotocol/server';
import type { McpParts } from './mcp-deps.ts';
import { promptNamed, unknown } from './prompts/catalogue.ts';
import { jobsOnRecord } from './resources/catalogue.ts';
import { IMAGE_TEMPLATE } from './resources/images.ts';
import { JOB_TEMPLATE } from './resources/jobs.ts';

/** The protocol's own bound. */
const VALUES_MAX = 100;

/** @throws ProtocolError (-32602) for a prompt, a template or an argument that there is not */
export async function complete(params: CompleteRequest['params'], parts: McpParts): Promise<CompleteResult> {
  const { ref, argument } = params;
  const typed = argument.value.trim().toLowerCase();
  if (ref.type === 'ref/prompt') {
    const { arguments: known } = promptNamed(ref.name, parts.redact);
    const named = known.find(({ name }) => name === argument.name);
    const names = known.map(({ name }) => name);
    if (named === undefined) throw unknown(`argument of ${ref.name}`, argument.name, names, parts.redact);
    const all = named.suggestions;
    // What begins with it first, then what holds it.
    const begins = all.filter((text) => text.toLowerCase().startsWith(typed));
    const holds = all.filter((text) => !begins.includes(text) && text.toLowerCase().includes(typed));
    return completion([...begins, ...holds]);
  }
  const isImage = ref.uri === IMAGE_TEMPLATE.uriTemplate;
  if (!isImage && ref.uri !== JOB_TEMPLATE.uriTemplate)
    throw unknown('resource template', ref.uri, [IMAGE_TEMPLATE.uriTemplate, JOB_TEMPLATE.uriTemplate], parts.redact);
  if (argument.name !== 'job_id') throw unknown(`argument of ${ref.uri}`, argument.name, ['job_id'], parts.redact);
  const listed = await jobsOnRecord(parts);
  const ids = listed.filter((job) => !isImage || job.state === 'saved').map(({ id }) => id);
  return completion(ids.filter((id) => id.startsWith(typed)));
}

function completion(values: readonly string[]): CompleteResult {
  return {
    completion: {
      values: values.slice(0, VALUES_MAX),
      total: values.length,
      hasMore: values.length > VALUES_MAX,
    },
  };
}
