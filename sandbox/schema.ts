// Owns the sandbox's GraphQL schema, written from the provider's page: both documented mutations and the status query.

import type { Scenarios } from './scenarios.ts';

const OF_EVERY_JOB = `
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  "Null until the job is completed."
  url: String
  createdAt: String!`;
const OF_GENERATE = `
  type: GenerationType!
  provider: String!
  metadata: JSON
  creditCost: Int`;
const OF_GENERATE_IMAGE = `
  width: Int
  height: Int
  webhookUrl: String
  duration: Float`;

/** The root field, and its argument, that answer for a job. */
export function statusQueryOf(scenarios: Scenarios) {
  return scenarios.has('renamed-query')
    ? { field: 'generationById', argument: 'generationId' }
    : { field: 'checkJobStatus', argument: 'jobId' };
}

/**
 * `generate` and `generateImage` answer with different types, because the page lists different fields for them; the
 * status query, which the page names and does not show, answers with the fields of both.
 */
export function schemaSdl(scenarios: Scenarios = new Set()): string {
  const { field, argument } = statusQueryOf(scenarios);
  const [version, quality, webhookUrl] = ['version', 'quality', 'webhookUrl'].map((name) =>
    scenarios.has('strict-input') ? '' : `${name}: String`,
  );
  const ofGenerate = `
input GenerateTextInput { text: String! }
input GenerateOptions { width: Int height: Int ${version} ${quality} }
input GenerateInput {
  type: GenerationType!
  "flux-pro is the one value known."
  provider: String!
  input: GenerateTextInput!
  options: GenerateOptions
  ${webhookUrl}
}
type Generation {${OF_EVERY_JOB}${OF_GENERATE}
}
extend type Mutation { generate(input: GenerateInput!): Generation }
`;
  return `
scalar JSON
enum GenerationType { IMAGE }
input ImageGenerationInput {
  "flux-pro is the one value known."
  service: String!
  prompt: String!
  width: Int = 1024
  height: Int = 1024
  ${version}
  ${webhookUrl}
}
type GeneratedImage {${OF_EVERY_JOB}${OF_GENERATE_IMAGE}
}
type Job {${OF_EVERY_JOB}${OF_GENERATE}${OF_GENERATE_IMAGE}
}
type Query {
  "Null when no such job is known."
  ${field}(${argument}: ID!): Job
}
type Mutation { generateImage(input: ImageGenerationInput!): GeneratedImage }
${scenarios.has('only-generate-image') ? '' : ofGenerate}`;
}
