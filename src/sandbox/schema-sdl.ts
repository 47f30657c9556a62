// Owns the sandbox's GraphQL schema, written from the provider's page: both documented mutations and the status query.

/**
 * `generate` and `generateImage` answer with different types, because the page lists different fields for them; the
 * status query, which the page names and does not show, answers with the fields of both.
 */
export const sandboxSchemaSdl = /* GraphQL */ `
"Any JSON value."
scalar JSON

enum GenerationType {
  IMAGE
}

input GenerateTextInput {
  "The prompt."
  text: String!
}

input GenerateOptions {
  "256 to 2048, a multiple of 8; 1024 when absent."
  width: Int
  "256 to 2048, a multiple of 8; 1024 when absent."
  height: Int
  "flux-pro or flux-pro-1.1."
  version: String
  "high is the one value known."
  quality: String
}

input GenerateInput {
  type: GenerationType!
  "flux-pro is the one value known."
  provider: String!
  input: GenerateTextInput!
  options: GenerateOptions
  "Accepted and kept; the sandbox delivers nothing to it."
  webhookUrl: String
}

input ImageGenerationInput {
  "flux-pro is the one value known."
  service: String!
  prompt: String!
  "256 to 2048, a multiple of 8."
  width: Int = 1024
  "256 to 2048, a multiple of 8."
  height: Int = 1024
  "flux-pro or flux-pro-1.1."
  version: String
  "Accepted and kept; the sandbox delivers nothing to it."
  webhookUrl: String
}

"What generate answers with."
type Generation {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  type: GenerationType!
  provider: String!
  "Null until the job is completed."
  url: String
  metadata: JSON
  creditCost: Int
  "ISO 8601."
  createdAt: String!
}

"What generateImage answers with."
type GeneratedImage {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  "Null until the job is completed."
  url: String
  width: Int
  height: Int
  webhookUrl: String
  duration: Float
  "ISO 8601."
  createdAt: String!
}

"A job, whichever way it was submitted."
type Job {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  type: GenerationType!
  provider: String!
  "Null until the job is completed."
  url: String
  width: Int
  height: Int
  webhookUrl: String
  duration: Float
  metadata: JSON
  creditCost: Int
  "ISO 8601."
  createdAt: String!
}

type Query {
  "Null when no such job is known."
  checkJobStatus(jobId: ID!): Job
}

type Mutation {
  generate(input: GenerateInput!): Generation
  generateImage(input: ImageGenerationInput!): GeneratedImage
}
`;
