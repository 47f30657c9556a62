/** The host around the page, as far as the page needs it: tools, resources, links, the clipboard, and how it looks. */
import { App, applyDocumentTheme, applyHostStyleVariables } from '@modelcontextprotocol/ext-apps';
import { picturesIn, readResult, type ViewedResult } from './viewed-job.ts';

/** Longer than a tool waits. */
const CALL_LIMIT_MS = 90_000;

export class Host {
  readonly #app = new App({ name: 'flux-pro-viewer', version: '1' });

  constructor(events: {
    onInput: (args: Readonly<Record<string, unknown>>) => void;
    onResult: (result: ViewedResult) => void;
    onCancelled: () => void;
  }) {
    // As the system is, where the host has no theme.
    dress({ theme: matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light' });
    this.#app.ontoolinput = (params) => events.onInput(params.arguments ?? {});
    this.#app.ontoolresult = (params) => events.onResult(readResult(params));
    this.#app.ontoolcancelled = events.onCancelled;
    this.#app.onhostcontextchanged = dress;
  }

  async connect(): Promise<void> {
    await this.#app.connect();
    dress(this.#app.getHostContext());
  }

  get canCall(): boolean {
    return this.#app.getHostCapabilities()?.serverTools !== undefined;
  }

  /** @throws when the host refuses, or the server does */
  async call(name: string, args: Record<string, unknown>): Promise<ViewedResult> {
    return readResult(await this.#app.callServerTool({ name, arguments: args }, { timeout: CALL_LIMIT_MS }));
  }

  /** The saved picture, through the host; `undefined` where that does not go. */
  async picture(jobId: string): Promise<string | undefined> {
    if (this.#app.getHostCapabilities()?.serverResources === undefined) return undefined;
    const read = this.#app.readServerResource({ uri: `flux://images/${jobId}` });
    return read.then(({ contents }) => picturesIn(contents)[0]).catch(() => undefined);
  }

  /** @returns whether the host opened it */
  open(url: string): Promise<boolean> {
    return this.#app.openLink({ url }).then(
      ({ isError }) => isError !== true,
      () => false,
    );
  }

  /** Lets the model know what the user did here; a host that does not take it is none the worse. */
  async updateModel(text: string): Promise<void> {
    if (this.#app.getHostCapabilities()?.updateModelContext === undefined) return;
    await this.#app.updateModelContext({ content: [{ type: 'text', text }] }).catch(() => undefined);
  }
}

function dress({ theme, styles }: ReturnType<App['getHostContext']> = {}): void {
  if (theme !== undefined) applyDocumentTheme(theme);
  if (styles?.variables !== undefined) applyHostStyleVariables(styles.variables);
}

/** Copies the words of an element, or leaves them selected. @returns whether they were copied */
export async function copyWords(element: Element): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(element.textContent);
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    // The old command works in frames that were not given the permission.
    return document.execCommand('copy');
  }
}
