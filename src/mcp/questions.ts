/** Remembers whether questions to the user get answers, so that a host that answers none is not asked again and again. */
import type { Answer } from '../jobs/confirmation.ts';

/** Of one connection, or of the whole process where the protocol knows no connections. */
export class Questions {
  #isUnanswered = false;

  /** The last question has no answer, so that the host counts as one that cannot ask. */
  get isUnanswered(): boolean {
    return this.#isUnanswered;
  }

  /** A question left inside a result: nobody tells when the host drops it, so it counts as unanswered until it returns. */
  asked(): void {
    this.#isUnanswered = true;
  }

  answered(answer: Answer): void {
    this.#isUnanswered = answer === 'unanswered';
  }
}
