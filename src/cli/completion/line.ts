import type { Command, Option } from 'commander';

/** A word that may stand where the cursor is, and what it means; `about` may be empty. */
export interface Candidate {
  readonly value: string;
  readonly about: string;
}

/** Values that only the daemon knows. */
export const SOURCES = ['machine', 'token-id', 'owner', 'service'] as const;
export type Source = (typeof SOURCES)[number];

/** What may stand where the cursor is. */
export type Wanted =
  | { readonly kind: 'words'; readonly words: readonly Candidate[] }
  /** `before`: arguments of the command that were given already. */
  | { readonly kind: 'source'; readonly source: Source; readonly before: readonly string[] }
  | { readonly kind: 'files' };

/** A command line up to the cursor, as far as it is understood. */
export interface Line {
  /** The command that was named, with the names of those around it: `machine accept`. */
  readonly path: string;
  readonly wanted: Wanted;
  /** What the completed word begins with that is no part of the value: `--owner=`, or empty. */
  readonly lead: string;
  /** What was typed of the value. */
  readonly typed: string;
  /** Values of the program's own options, by attribute. */
  readonly options: ReadonlyMap<string, string>;
}

const NOTHING: Wanted = { kind: 'words', words: [] };

/** Placeholders in the usage of options and arguments that stand for files. */
const FILES = ['file', 'path'];

/**
 * Understands a command line: `words` are those behind the program's name, the last one (which may be empty) is the one
 * at the cursor. What stands for a value is told by its placeholder: `<machine>`, `<token-id>`, `<file>`.
 */
export function readLine(program: Command, words: readonly string[]): Line {
  const reader = new Reader(program);
  for (const word of words.slice(0, -1)) reader.take(word);
  return reader.at(words.at(-1) ?? '');
}

class Reader {
  readonly #program: Command;
  readonly #path: string[] = [];
  readonly #options = new Map<string, string>();
  #command: Command;
  #arguments: string[] = [];
  /** The option whose value comes next; `must`: nothing else may. */
  #open: { readonly option: Option; readonly must: boolean } | undefined;
  #onlyArguments = false;

  constructor(program: Command) {
    this.#program = program;
    this.#command = program;
  }

  take(word: string): void {
    const open = this.#open;
    if (open !== undefined && (open.must || this.#onlyArguments || !word.startsWith('-'))) {
      this.#set(open.option, word);
      this.#open = open.option.variadic ? { option: open.option, must: false } : undefined;
      return;
    }
    this.#open = undefined;
    if (this.#onlyArguments || word === '-' || !word.startsWith('-')) {
      this.#takeArgument(word);
      return;
    }
    if (word === '--') {
      this.#onlyArguments = true;
      return;
    }
    const { name, value } = splitOption(word);
    const option = this.#named(name);
    if (option === undefined || !takesValue(option)) return;
    if (value !== undefined) this.#set(option, value);
    if (value === undefined) this.#open = { option, must: option.required };
  }

  at(word: string): Line {
    const base = { path: this.#path.join(' '), options: this.#options };
    const open = this.#open;
    if (open !== undefined && (open.must || !word.startsWith('-'))) {
      return { ...base, wanted: this.#ofOption(open.option), lead: '', typed: word };
    }
    if (!this.#onlyArguments && word.startsWith('-')) {
      const { name, value } = splitOption(word);
      const option = value === undefined ? undefined : this.#named(name);
      if (value === undefined) return { ...base, wanted: this.#optionNames(word), lead: '', typed: word };
      const wanted = option === undefined || !takesValue(option) ? NOTHING : this.#ofOption(option);
      return { ...base, wanted, lead: word.slice(0, word.length - value.length), typed: value };
    }
    return { ...base, wanted: this.#argument(), lead: '', typed: word };
  }

  #takeArgument(word: string): void {
    const named = this.#command.commands.find((command) => command.name() === word || command.aliases().includes(word));
    if (named === undefined || this.#arguments.length > 0) {
      this.#arguments.push(word);
      return;
    }
    this.#command = named;
    this.#path.push(named.name());
    this.#arguments = [];
  }

  /** Options of the command and of those around it, with `--help`. */
  #all(): readonly Option[] {
    const options: Option[] = [];
    for (let command: Command | null = this.#command; command !== null; command = command.parent) {
      const own = command.createHelp().visibleOptions(command);
      // The version is asked of the program alone.
      options.push(...own.filter((option) => !options.some((other) => other.long === option.long)));
      if (command === this.#program) break;
    }
    const isProgram = this.#command === this.#program;
    return isProgram ? options : options.filter((option) => option.attributeName() !== 'version');
  }

  #named(name: string): Option | undefined {
    return this.#all().find(({ long, short }) => long === name || short === name);
  }

  #optionNames(word: string): Wanted {
    const words = this.#all().flatMap((option) => {
      const name = word.startsWith('--') ? option.long : (option.long ?? option.short);
      return name === undefined || name === null ? [] : [{ value: name, about: option.description }];
    });
    return { kind: 'words', words };
  }

  #argument(): Wanted {
    const help = this.#command.createHelp();
    const commands = help.visibleCommands(this.#command);
    if (commands.length > 0) {
      if (this.#arguments.length > 0) return NOTHING;
      return { kind: 'words', words: commands.map((one) => ({ value: one.name(), about: one.description() })) };
    }
    const { registeredArguments: declared } = this.#command;
    const last = declared.at(-1);
    const argument = declared[this.#arguments.length] ?? (last?.variadic === true ? last : undefined);
    if (argument === undefined) return NOTHING;
    return this.#ofPlace(argument.name(), argument.argChoices);
  }

  #ofOption(option: Option): Wanted {
    return this.#ofPlace(/[<[]([^>\].]+)/.exec(option.flags)?.[1] ?? '', option.argChoices);
  }

  #ofPlace(place: string, choices: readonly string[] | undefined): Wanted {
    if (choices !== undefined) return { kind: 'words', words: choices.map((value) => ({ value, about: '' })) };
    if (FILES.includes(place)) return { kind: 'files' };
    const source = SOURCES.find((name) => name === place);
    return source === undefined ? NOTHING : { kind: 'source', source, before: this.#arguments };
  }

  #set(option: Option, value: string): void {
    if (this.#program.options.includes(option)) this.#options.set(option.attributeName(), value);
  }
}

function takesValue(option: Option): boolean {
  return option.required || option.optional;
}

/** `--name=value`, or `--name`. Short options are not split: who types them knows them. */
function splitOption(word: string): { readonly name: string; readonly value: string | undefined } {
  const at = word.startsWith('--') ? word.indexOf('=') : -1;
  return at < 0 ? { name: word, value: undefined } : { name: word.slice(0, at), value: word.slice(at + 1) };
}
