/** Lets writers through who have lost to others, by a file that the others see. */
import { join } from 'node:path';
import type { ChangeQueue } from '../core/shared-value.ts';
import { createInFolder, type FileDeps, ownName } from './file-system.ts';

/** Losing that often is no accident. */
const LOST_MAX = 2;
const LOOK_EVERY_MS = 4;
/** A change takes a few milliseconds: whoever is ahead for longer stands still, or is gone. */
const PATIENCE_MS = 250;
const TURN = '.turn';

export class FileChangeQueue implements ChangeQueue {
  #own: string | undefined;

  /** @param folder absolute; made when somebody has to wait */
  constructor(
    private readonly folder: string,
    private readonly name: string,
    private readonly deps: FileDeps,
  ) {}

  async wait(lost: number): Promise<void> {
    const { files, clock } = this.deps;
    if (lost >= LOST_MAX && this.#own === undefined) {
      this.#own = `${this.name}.${ownName()}${TURN}`;
      // Without it the change is tried all the same.
      await createInFolder(join(this.folder, this.#own), '', false, files).catch(() => undefined);
    }
    const until = clock.monotonic() + PATIENCE_MS;
    let ahead = await this.#ahead();
    while (ahead.length > 0 && clock.monotonic() < until) {
      await clock.sleep(LOOK_EVERY_MS * (1 + clock.random()));
      ahead = await this.#ahead();
    }
    for (const file of ahead) await this.#remove(file);
  }

  async leave(): Promise<void> {
    if (this.#own !== undefined) await this.#remove(this.#own);
  }

  async #ahead(): Promise<string[]> {
    // It only orders who tries when: what cannot be read, or was never needed, keeps nobody from it.
    const names = await this.deps.files.list(this.folder).catch((): string[] => []);
    const own = this.#own;
    return names.filter(
      (name) => name.startsWith(`${this.name}.`) && name.endsWith(TURN) && (own === undefined || name < own),
    );
  }

  async #remove(file: string): Promise<void> {
    await this.deps.files.remove(join(this.folder, file)).catch(() => undefined);
  }
}
