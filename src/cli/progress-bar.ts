/** A progress bar: redrawn in place on a terminal, one line a step elsewhere. */

const BAR_WIDTH = 24;

export type ProgressBar = { show(fraction: number, message: string): void; done(word: string): void };

export function progressBar(out: NodeJS.WriteStream): ProgressBar {
  const redraws = out.isTTY === true;
  const draw = (fraction: number, message: string): string => {
    const full = Math.round(fraction * BAR_WIDTH);
    const percent = String(Math.floor(fraction * 100)).padStart(3);
    const line = `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${percent} %  ${message}`;
    return redraws ? line.slice(0, Math.max(20, (out.columns ?? 80) - 1)) : line;
  };
  return {
    show: (fraction, message) =>
      void out.write(redraws ? `\r\u001B[K${draw(fraction, message)}` : `${draw(fraction, message)}\n`),
    done: (word) => void out.write(redraws ? `\r\u001B[K${draw(1, word)}\n` : `${draw(1, word)}\n`),
  };
}
