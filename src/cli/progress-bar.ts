/** A progress bar: redrawn in place on a terminal, one line a step elsewhere. */

const BAR_WIDTH = 24;

export function progressBar(out: NodeJS.WriteStream) {
  const redraws = out.isTTY === true;
  const draw = (fraction: number, message: string): string => {
    const full = Math.round(fraction * BAR_WIDTH);
    const percent = String(Math.floor(fraction * 100)).padStart(3);
    const line = `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${percent} %  ${message}`;
    return redraws ? line.slice(0, Math.max(20, (out.columns ?? 80) - 1)) : line;
  };
  const start = redraws ? '\r\u001B[K' : '';
  return {
    show: (fraction: number, message: string) =>
      void out.write(`${start}${draw(fraction, message)}${redraws ? '' : '\n'}`),
    done: (word: string) => void out.write(`${start}${draw(1, word)}\n`),
  };
}
