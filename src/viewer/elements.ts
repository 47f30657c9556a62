/** The parts of the page that change, by their names in the HTML. */

export type Elements = ReturnType<typeof elementsOf>;

export function elementsOf(page: Document) {
  const byId = <Kind extends HTMLElement>(id: string, kind: new () => Kind): Kind => {
    const found = page.getElementById(id);
    if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
    return found;
  };
  return {
    stage: byId('stage', HTMLElement),
    picture: byId('picture', HTMLImageElement),
    waiting: byId('waiting', HTMLElement),
    headline: byId('headline', HTMLElement),
    progress: byId('progress', HTMLElement),
    bar: byId('bar', HTMLElement),
    elapsed: byId('elapsed', HTMLElement),
    sandbox: byId('sandbox', HTMLElement),
    strip: byId('strip', HTMLElement),
    prompt: byId('prompt', HTMLElement),
    facts: byId('facts', HTMLElement),
    trouble: byId('trouble', HTMLElement),
    open: byId('open', HTMLButtonElement),
    copy: byId('copy', HTMLButtonElement),
    vary: byId('vary', HTMLButtonElement),
    again: byId('again', HTMLButtonElement),
    said: byId('said', HTMLElement),
  };
}
