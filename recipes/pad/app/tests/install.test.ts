import { app } from 'coldpass/app';
import { describe, expect, test } from 'vitest';
import { newPad, send } from './pad.ts';

describe('install', () => {
  test('serves its page', async () => {
    const { status, body } = await app.http('http://app/');
    expect(status).toBe(200);
    expect(body).toContain('<textarea');
  });

  test('starts without pads', async () => {
    expect((await app.http(`http://app/api/pads/${newPad().name}`)).status).toBe(404);
    expect(await app.output('app', 'ls -A /pads')).toBe('');
  });

  test('accepts a write only on the newest revision', async () => {
    const { name } = newPad();
    expect((await send(app, name, '0', 'one')).status).toBe(201);
    const late = await send(app, name, '0', 'another');
    expect([late.status, late.headers['x-revision']]).toEqual([409, '1']);
    expect((await app.http(`http://app/api/pads/${name}`)).body).toBe('one');
  });
});
