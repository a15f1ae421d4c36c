/** Writes the documented example file, in which every option stands with its default. */
import { describeConfig, type OptionInfo, type SectionInfo } from "./describe.ts";
import { toTomlValue } from "./toml-value.ts";

const WIDTH = 96;

const HEADER = [
  "Midge's configuration: every option there is.",
  "",
  'A line that begins with "#" and a key shows the option with its default: remove the "#" and change the value. Sections in double brackets may be given any number of times; remove the "#" from their headings, too.',
  "`midge check -c FILE` tells what is wrong with a file.",
  "",
  "Generated from the configuration's schema by `midge check --example`.",
];

export function exampleFile(): string {
  const sections = describeConfig().flatMap((section) => ["", "", ...sectionLines(section)]);
  return `${[...HEADER.flatMap(comment), ...sections].join("\n")}\n`;
}

function sectionLines(section: SectionInfo): string[] {
  const header = section.repeated ? `#[[${section.path}]]` : `[${section.path}]`;
  return [
    ...comment(section.description),
    header,
    ...section.options.flatMap((option) => ["", ...optionLines(option)]),
    ...section.sections.flatMap((inner) => ["", ...sectionLines(inner)]),
  ];
}

function optionLines(option: OptionInfo): string[] {
  const facts = `${sentence(option.expected)} ${defaultOf(option)}`;
  const shown = option.default ?? option.example;
  return [
    ...comment(option.description),
    ...comment(facts),
    `#${option.key} = ${toTomlValue(shown)}`,
  ];
}

function defaultOf(option: OptionInfo): string {
  if (option.required) return "Required.";
  return `Default: ${option.defaultText ?? toTomlValue(option.default)}.`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

/** As comment lines of bounded width. */
function comment(text: string): string[] {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1) ?? "";
    if (line !== "" && line.length + word.length + 3 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === "" ? word : `${line} ${word}`;
  }
  return lines.map((line) => (line === "" ? "#" : `# ${line}`));
}
