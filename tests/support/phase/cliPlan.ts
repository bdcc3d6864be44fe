// A small plan in which `plan check` finds no fault.

export const planText = `---
phase: answer
base: main
gates:
  M1: { recipe: unit, covers: ["2.1"] }
tests: ["**/*.test.js"]
budget: { usd: 1, hours: 1, claims: 4 }
---

# Phase answer: the answer

**Mission**: write the answer down.

## 1. Starting facts

- There is a sum.

## 2. Work requirements

1. answer.txt holds 42, and a test reads it.

## 3. Gates

**M1: the answer.** It is there.

## 4. Guardrails

- Nothing else changes.

## 5. Definition of Done

- The answer is there.
`;
