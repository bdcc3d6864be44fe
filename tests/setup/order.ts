// Which test file starts first: those that take a minute, so that the last one running is a short one. Else vitest's own order.

import { BaseSequencer, type TestSpecification } from 'vitest/node';

const longest = ['tests/loop/life.test.ts'];

export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = (file: TestSpecification) => longest.some((name) => file.moduleId.endsWith(name));
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}
