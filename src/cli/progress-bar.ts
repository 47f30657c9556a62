/** How far something is: as a bar on a terminal, in lines elsewhere. */
const BAR_WIDTH = 24;

/** Redrawn in place on a terminal; elsewhere a line when there is news: seconds that pass, behind a comma, are none. */
export function progressBar(out: NodeJS.WriteStream) {
  const redraws = out.isTTY === true;
  const draw = (fraction: number, message: string): string => {
    const full = Math.round(fraction * BAR_WIDTH);
    const percent = String(Math.floor(fraction * 100)).padStart(3);
    const line = `[${'█'.repeat(full)}${'░'.repeat(BAR_WIDTH - full)}] ${percent} %  ${message}`;
    return redraws ? line.slice(0, Math.max(20, (out.columns || 80) - 1)) : line;
  };
  const start = redraws ? '\r\u001B[K' : '';
  let shown: string | undefined;
  let least = 0;
  return {
    show: (fraction: number, message: string) => {
      const [stage] = message.split(', ');
      least = Math.max(least, fraction);
      if (redraws || stage !== shown) out.write(`${start}${draw(least, message)}${redraws ? '' : '\n'}`);
      shown = stage;
    },
    done: (word: string) => void out.write(`${start}${draw(1, word)}\n`),
    /** What stands before any other line. */
    start,
  };
}
