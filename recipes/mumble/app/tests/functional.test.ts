// What the operator sets is on the wire; what one visitor does, another sees.

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

  test('a channel that SuperUser makes is there for everybody who comes later', async () => {
    const made = await makeChannel(app, { name: 'Salle d-eau', description: 'café, 喫茶店' });
    expect(made.id).toBeGreaterThan(0);
    const channels = await visit(app, { name: 'later' }, (visitor) => visitor.channels);
    expect(channels).toContainEqual(made);
  });

  test('a message reaches who is in the same channel', async () => {
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
