// The operator's settings are in effect; what one visitor does, another sees.

import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { enter, kinds, makeChannel, visit, wrongPassword } from './mumble.ts';

describe('functional', () => {
  test('max_users is what USERS says', async () => {
    const usersMax = await visit(app, { name: 'counter' }, (visitor) => visitor.usersMax);
    expect(usersMax).toBe(Number(app.env.USERS));
  });

  test('the welcome is what WELCOME says', async () => {
    expect(await visit(app, { name: 'reader' }, (visitor) => visitor.welcome)).toBe(app.env.WELCOME);
  });

  test('a channel created by SuperUser is visible to later visitors', async () => {
    const channel = await makeChannel(app, { name: 'Salle d-eau', description: 'café, 喫茶店' });
    expect(channel.id).toBeGreaterThan(0);
    const channels = await visit(app, { name: 'later' }, (visitor) => visitor.channels);
    expect(channels).toContainEqual(channel);
  });

  test('a message reaches others in the same channel', async () => {
    await visit(app, { name: 'listener' }, (listener) =>
      visit(app, { name: 'speaker' }, async (speaker) => {
        const heard = listener.next(kinds.text);
        speaker.send(kinds.text, { 3: 0, 5: 'Anyone there? — ça va' });
        const message = await heard;
        expect(message.numbers(1)).toEqual([speaker.session]);
        expect(message.texts(5)).toEqual(['Anyone there? — ça va']);
      }),
    );
  });

  test("SuperUser's password is the secret, and no other", async () => {
    expect(await enter(app, 'SuperUser', 'not-the-password')).toEqual({ rejected: wrongPassword });
    const session = await visit(
      app,
      { name: 'SuperUser', password: await app.secret('superuser') },
      (it) => it.session,
    );
    expect(session).toBeGreaterThan(0);
  });
});
