/** What a prompt is: data in one file each. */

export type PromptArgument = {
  name: string;
  description: string;
  required?: true;
  /** Offered while it is typed; any other text is as good. */
  suggestions: readonly string[];
};

export type Prompt = {
  name: string;
  title: string;
  description: string;
  arguments: readonly PromptArgument[];
  /** The message that the model gets. @param values what was given, cleaned; absent where nothing was said */
  render: (values: Readonly<Record<string, string | undefined>>) => string;
};
