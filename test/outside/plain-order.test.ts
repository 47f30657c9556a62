/** The packed program orders from the scripted service: the plain case from which the other tests here differ. */
import { afterAll, expect, it } from 'vitest';
import { unpackPackage } from '../support/packed-program.ts';
import { LIGHT_JPEG } from '../support/pictures.ts';
import { RawHost, textOf } from '../support/raw-host.ts';
import { jobAnswer, SCRIPTED_KEY, startScriptedService } from '../support/scripted-service.ts';

const packed = await unpackPackage();
afterAll(() => packed.close());

it('sends a plain order once and saves its picture', async () => {
  const service = await startScriptedService({
    submit: () => jobAnswer({ id: 'remote-1', status: 'processing' }),
    picture: () => ({ body: LIGHT_JPEG }),
  });
  const program = await packed.start([], { env: service.env });
  const host = new RawHost(program);
  await host.handshake();
  const answer = await host.call('generate_image', { prompt: 'a heron', width: 256, height: 256 });
  expect(textOf(answer)).toContain('The picture is finished and saved.');
  expect(service.requests.map(({ kind }) => kind)).toEqual(['submit', 'status', 'picture']);
  expect(service.requests[0]?.headers.authorization).toBe(`Bearer ${SCRIPTED_KEY}`);
  expect(service.requests[2]?.headers).not.toHaveProperty('authorization');
  await service.close();
});
