/** A page as a host shows it: the viewer in a sandboxed frame, joined by the helper's own bridge. Runs in the browser. */
import { AppBridge, PostMessageTransport } from '@modelcontextprotocol/ext-apps/app-bridge';

type Result = Parameters<AppBridge['sendToolResult']>[0];
type Resource = Awaited<ReturnType<NonNullable<AppBridge['onreadresource']>>>;

declare global {
  interface Window {
    /** Given by the test. */
    hostCall: (name: string, args: unknown) => Promise<Result>;
    hostRead: (uri: string) => Promise<Resource>;
    hostOpen: (url: string) => Promise<boolean>;
    hostReceived: (text: string) => Promise<void>;
    /** Called by the test. */
    startHost: (theme: 'light' | 'dark', canCall: boolean) => Promise<void>;
    giveInput: (args: Record<string, unknown>) => Promise<void>;
    giveResult: (result: Result) => Promise<void>;
    cancel: () => Promise<void>;
  }
}

let bridge: AppBridge;

window.startHost = async (theme, canCall) => {
  const frame = document.createElement('iframe');
  frame.title = 'Picture';
  frame.setAttribute('sandbox', 'allow-scripts');
  frame.allow = 'clipboard-write';
  document.body.append(frame);
  const inside = frame.contentWindow;
  if (inside === null) throw new Error('the frame has no window');
  bridge = new AppBridge(
    null,
    { name: 'test-host', version: '1' },
    { openLinks: {}, updateModelContext: { text: {} }, ...(canCall ? { serverTools: {}, serverResources: {} } : {}) },
    { hostContext: { theme } },
  );
  bridge.oncalltool = ({ name, arguments: args }) => window.hostCall(name, args);
  bridge.onreadresource = ({ uri }) => window.hostRead(uri);
  bridge.onopenlink = async ({ url }) => ((await window.hostOpen(url)) ? {} : { isError: true });
  bridge.onupdatemodelcontext = async ({ content }) => {
    for (const part of content ?? []) if (part.type === 'text') await window.hostReceived(part.text);
    return {};
  };
  bridge.onsizechange = ({ height }) => {
    if (height !== undefined) frame.style.height = `${height}px`;
  };
  const ready = new Promise<void>((resolve) => {
    bridge.oninitialized = () => resolve();
  });
  await bridge.connect(new PostMessageTransport(inside, inside));
  frame.srcdoc = await (await fetch('/viewer.html')).text();
  await ready;
};
window.giveInput = (args) => bridge.sendToolInput({ arguments: args });
window.giveResult = (result) => bridge.sendToolResult(result);
window.cancel = () => bridge.sendToolCancelled({ reason: 'the user cancelled' });
