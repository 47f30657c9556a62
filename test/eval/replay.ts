/** The steps of a recording, taken again. */
import { type Result, Session, type Step } from './session.ts';
import { comparable, digests, IdMap, type Transcript } from './transcript.ts';

export type Replayed = {
  transcript: Transcript;
  result: Result;
  /** Names of the texts that the reader began with and that are others now: the instructions, or tools. */
  changedTexts: string[];
  changedAnswers: { step: Step; then: string; now: string }[];
};

export async function replay(transcript: Transcript): Promise<Replayed> {
  const session = await Session.open(transcript.job);
  try {
    const ids = new IdMap();
    ids.learn(transcript.opening ?? '', session.opening);
    const changedAnswers: Replayed['changedAnswers'] = [];
    for (const { afterMs, step, shown: then } of transcript.steps) {
      await session.passTime(afterMs);
      const now = await session.step(ids.translate(step));
      ids.learn(then, now);
      if (comparable(then) !== comparable(now)) changedAnswers.push({ step, then, now });
    }
    const texts = digests(session.texts());
    const names = Object.keys({ ...texts, ...transcript.texts });
    const changedTexts = names.filter((name) => texts[name] !== transcript.texts[name]);
    if (comparable(transcript.opening ?? '') !== comparable(session.opening)) changedTexts.push('the first answer');
    return { transcript, result: await session.result(), changedTexts, changedAnswers };
  } finally {
    await session.close();
  }
}
