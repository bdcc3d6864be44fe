// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the texts contain such variables
import { describe, expect, it } from 'vitest';
import { abraExports } from '../../../../runner/swarm/compose/abraSh.ts';
import { envSample } from '../../../../runner/swarm/compose/envSample.ts';
import { titled } from '../../../support/titled.ts';

const known = new Map([['DOMAIN', 'notes.test']]);

function read(...lines: string[]) {
  return envSample(lines.join('\n'), '.env.sample', known);
}

describe('.env.sample', () => {
  it.each([
    ['A=b', 'b'],
    ['A=', ''],
    ['export A=b', 'b'],
    ['A = b c ', 'b c'],
    ['A=b # said', 'b'],
    ['A=b#c', 'b#c'],
    ['A=# nothing', ''],
    ['A="b # c" # d', 'b # c'],
    ["A='$B ${C'", '$B ${C'],
    ['A="say \\"x\\""', 'say "x"'],
    ['A=https://$DOMAIN/x', 'https://notes.test/x'],
    ['A=https://{{ .Domain }}/x', 'https://notes.test/x'],
    ['DOMAIN=example.com\nA=$DOMAIN', 'notes.test'],
    ['B=1\nA="${B}2"', '12'],
    ["A=', `www.example.com`'", ', `www.example.com`'],
    ['A=a=b', 'a=b'],
    ['A=1\nA=2', '2'],
    ['A=x\r', 'x'],
  ])('reads %j', (text, value) => {
    expect(read(text).values.get('A')).toBe(value);
  });

  it('gives the length of each secret, even of one in a comment, and the line of each variable', () => {
    const sample = read(
      '# a word',
      'SECRET_A_VERSION=v1 # length=40',
      '',
      '#SECRET_B_VERSION=v2 # charset=x length=8',
      '#C=d',
    );
    expect([...sample.lengths]).toEqual([
      ['SECRET_A_VERSION', 40],
      ['SECRET_B_VERSION', 8],
    ]);
    expect([...sample.values]).toEqual([['SECRET_A_VERSION', 'v1']]);
    expect([...sample.at]).toEqual([['SECRET_A_VERSION', '.env.sample:2']]);
    expect([...sample.commentedAt]).toEqual([
      ['SECRET_B_VERSION', '.env.sample:4'],
      ['C', '.env.sample:5'],
    ]);
  });

  it.each(
    titled<[string, string]>([
      ['A=1\nwhat is this', '.env.sample:2: what is this is not a variable'],
      ['A="b', '.env.sample:1: a quote is not closed'],
      ['A=$NONE', '.env.sample:1: the variable NONE is not set'],
      ['SECRET_A_VERSION=v1 # length=9999', 'a secret has 1 to 512 characters'],
      ['A=1\n'.repeat(2001), 'more than 2000 lines'],
    ]),
  )('refuses %s', (_title, text, why) => {
    expect(() => read(text)).toThrow(why);
  });
});

describe('abra.sh', () => {
  it('is read for its plain exports, and never run', () => {
    const text = [
      '#!/bin/bash',
      'export A_VERSION=v1',
      'export B="v 2" # why',
      "export C='$x'",
      'export D=$(id)',
      'export E="$A"',
      'export F=`id`',
      'export G=a; rm -rf /',
      'H=1',
      'fn() {',
      '  export I=1',
      '}',
      'export J=a K=b',
      'export A_VERSION=v3',
    ].join('\n');
    expect([...abraExports(text, 'abra.sh')]).toEqual([
      ['A_VERSION', { value: 'v3', at: 'abra.sh:14' }],
      ['B', { value: 'v 2', at: 'abra.sh:3' }],
      ['C', { value: '$x', at: 'abra.sh:4' }],
    ]);
  });
});
