"""Chat templates beside transformers: prompts and answers over templates of the shapes that public models have.

    scripts/parity.sh templates

Each shape gets a small byte-level tokenizer with its special tokens. Prompts and answered conversations are compared
id by id; texts that spell special tokens with `sanitize_control_tokens`, by what they decode to. The last line counts
the shapes; exits with 1 where one differs.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import tokenizers
import transformers
from tokenizers import AddedToken, decoders, models, pre_tokenizers, trainers

TEXTS = [
    "Make the heading bold",
    "insert a table of 3 rows & 4 columns, then type “Größe > 12” in O'Brien's cell",
    "  two spaces before, a line\nbreak within and 漢字 \U0001F600 after  ",
]
LOOP = "{% for m in messages %}"
TURN = LOOP + "{{ '<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
ASK = "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
ALTERNATE = (
    "{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}"
    "{{ raise_exception('turns of user and assistant must alternate') }}{% endif %}"
)
INST = "{{ bos_token }}" + LOOP + ALTERNATE

# name: (template, special tokens, begin, end)
SHAPES = {
    "chatml": (TURN + ASK, ["<|im_start|>", "<|im_end|>"], "<s>", "<|im_end|>"),
    "chatml, markers are text": (TURN + ASK, [], "<s>", "</s>"),
    "llama-2": (
        "{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        "{% set system = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}{% set system = false %}"
        "{% endif %}{% for m in loop_messages %}" + ALTERNATE + "{% if loop.index0 == 0 and system != false %}"
        "{% set content = '<<SYS>>\\n' + system + '\\n<</SYS>>\\n\\n' + m['content'] %}{% else %}"
        "{% set content = m['content'] %}{% endif %}{% if m['role'] == 'user' %}"
        "{{ bos_token + '[INST] ' + content.strip() + ' [/INST]' }}{% elif m['role'] == 'assistant' %}"
        "{{ ' ' + content.strip() + ' ' + eos_token }}{% endif %}{% endfor %}", [], "<s>", "</s>"),
    "llama-3": (
        "{% set loop_messages = messages %}{% for m in loop_messages %}{% set content = '<|start_header_id|>' + "
        "m['role'] + '<|end_header_id|>\\n\\n' + m['content'] | trim + '<|eot_id|>' %}{% if loop.index0 == 0 %}"
        "{% set content = bos_token + content %}{% endif %}{{ content }}{% endfor %}{% if add_generation_prompt %}"
        "{{ '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}{% endif %}",
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], "<|begin_of_text|>", "<|end_of_text|>"),
    "llama-3.1, tools and a date": (
        "{{- bos_token }}\n{%- if not date_string is defined %}\n    {%- if strftime_now is defined %}\n        "
        "{%- set date_string = strftime_now('%d %b %Y') %}\n    {%- else %}\n        {%- set date_string = '1 Jan 2024' %}\n"
        "    {%- endif %}\n{%- endif %}\n{%- if not tools is defined %}\n    {%- set tools = none %}\n{%- endif %}\n"
        "{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content']|trim %}\n    "
        "{%- set messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = '' %}\n{%- endif %}\n"
        "{{- '<|start_header_id|>system<|end_header_id|>\\n\\n' }}\n{%- if tools is not none %}\n    "
        "{{- 'Environment: ipython\\n' }}\n    {%- for t in tools %}\n        {{- t | tojson(indent=4) }}\n    "
        "{%- endfor %}\n{%- endif %}\n{{- 'Today: ' + date_string + '\\n\\n' }}\n{{- system_message + '<|eot_id|>' }}\n"
        "{%- for message in messages %}\n    {%- if not (message.role == 'ipython' or 'tool_calls' in message) %}\n        "
        "{{- '<|start_header_id|>' + message['role'] + '<|end_header_id|>\\n\\n'+ message['content'] | trim + '<|eot_id|>' }}\n"
        "    {%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    "
        "{{- '<|start_header_id|>assistant<|end_header_id|>\\n\\n' }}\n{%- endif %}\n",
        ["<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>"], "<|begin_of_text|>", "<|eot_id|>"),
    "mistral v0.1": (
        INST + "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% elif m['role'] == 'assistant' %}"
        "{{ m['content'] + eos_token + ' ' }}{% else %}{{ raise_exception('no such role') }}{% endif %}{% endfor %}",
        [], "<s>", "</s>"),
    "mistral v0.3": (
        INST + "{% if m['role'] == 'user' %}{{ '[INST] ' + m['content'] + '[/INST]' }}{% elif m['role'] == 'assistant' %}"
        "{{ ' ' + m['content'] + eos_token }}{% else %}{{ raise_exception('no such role') }}{% endif %}{% endfor %}",
        ["[INST]", "[/INST]", "[TOOL_CALLS]"], "<s>", "</s>"),
    "mistral tekken": (
        "{%- if messages[0][\"role\"] == \"system\" %}\n    {%- set system_message = messages[0][\"content\"] %}\n    "
        "{%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set loop_messages = messages %}\n{%- endif %}\n"
        "{%- if not tools is defined %}\n    {%- set tools = none %}\n{%- endif %}\n"
        "{%- set user_messages = loop_messages | selectattr(\"role\", \"equalto\", \"user\") | list %}\n"
        "{%- set ns = namespace(index=0) %}\n{%- for message in loop_messages %}\n    "
        "{%- if not (message.role == \"tool\" or (message.tool_calls is defined and message.tool_calls is not none)) %}\n"
        "        {%- if (message[\"role\"] == \"user\") != (ns.index % 2 == 0) %}\n            "
        "{{- raise_exception(\"roles must alternate\") }}\n        {%- endif %}\n        {%- set ns.index = ns.index + 1 %}\n"
        "    {%- endif %}\n{%- endfor %}\n{{- bos_token }}\n{%- for message in loop_messages %}\n    "
        "{%- if message[\"role\"] == \"user\" %}\n        {%- if tools is not none and (message == user_messages[-1]) %}\n"
        "            {{- \"[AVAILABLE_TOOLS][\" + (tools | tojson) + \"][/AVAILABLE_TOOLS]\" }}\n        {%- endif %}\n"
        "        {%- if loop.last and system_message is defined %}\n            "
        "{{- \"[INST]\" + system_message + \"\\n\\n\" + message[\"content\"] + \"[/INST]\" }}\n        {%- else %}\n"
        "            {{- \"[INST]\" + message[\"content\"] + \"[/INST]\" }}\n        {%- endif %}\n    "
        "{%- elif message[\"role\"] == \"assistant\" %}\n        {{- message[\"content\"] + eos_token }}\n    {%- endif %}\n"
        "{%- endfor %}\n",
        ["[INST]", "[/INST]", "[AVAILABLE_TOOLS]", "[/AVAILABLE_TOOLS]"], "<s>", "</s>"),
    "zephyr": (
        LOOP + "\n{% if m['role'] == 'user' %}\n{{ '<|user|>\\n' + m['content'] + eos_token }}\n"
        "{% elif m['role'] == 'system' %}\n{{ '<|system|>\\n' + m['content'] + eos_token }}\n"
        "{% elif m['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + m['content'] + eos_token }}\n{% endif %}\n"
        "{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
        [], "<s>", "</s>"),
    "gemma": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        + LOOP + ALTERNATE + "{% if (m['role'] == 'assistant') %}{% set role = 'model' %}{% else %}{% set role = m['role'] %}"
        "{% endif %}{{ '<start_of_turn>' + role + '\\n' + m['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
        "{% if add_generation_prompt %}{{'<start_of_turn>model\\n'}}{% endif %}",
        ["<start_of_turn>", "<end_of_turn>"], "<bos>", "<eos>"),
    "phi-3": (
        LOOP + "{% if m['role'] == 'system' %}{{'<|system|>\\n' + m['content'] + '<|end|>\\n'}}"
        "{% elif m['role'] == 'user' %}{{'<|user|>\\n' + m['content'] + '<|end|>\\n'}}{% elif m['role'] == 'assistant' %}"
        "{{'<|assistant|>\\n' + m['content'] + '<|end|>\\n'}}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% else %}{{ eos_token }}{% endif %}",
        [AddedToken(t, special=True, rstrip=True, normalized=False) for t in
         ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>")], "<s>", "<|endoftext|>"),
    "qwen2.5 with tools": (
        "{%- if tools %}\n    {{- '<|im_start|>system\\n' }}\n    {%- if messages[0]['role'] == 'system' %}\n        "
        "{{- messages[0]['content'] }}\n    {%- endif %}\n    {{- \"\\n\\n<tools>\" }}\n    {%- for tool in tools %}\n        "
        "{{- \"\\n\" }}\n        {{- tool | tojson }}\n    {%- endfor %}\n    {{- \"\\n</tools><|im_end|>\\n\" }}\n{%- else %}\n"
        "    {%- if messages[0]['role'] == 'system' %}\n        "
        "{{- '<|im_start|>system\\n' + messages[0]['content'] + '<|im_end|>\\n' }}\n    {%- else %}\n        "
        "{{- '<|im_start|>system\\nBe of use.<|im_end|>\\n' }}\n    {%- endif %}\n{%- endif %}\n"
        "{%- for message in messages %}\n    {%- if (message.role == \"user\") or (message.role == \"system\" and not loop.first) "
        "or (message.role == \"assistant\" and not message.tool_calls) %}\n        "
        "{{- '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>' + '\\n' }}\n    "
        "{%- elif message.role == \"tool\" %}\n        {{- '\\n<tool_response>\\n' }}\n        {{- message.content }}\n    "
        "{%- endif %}\n{%- endfor %}\n{%- if add_generation_prompt %}\n    {{- '<|im_start|>assistant\\n' }}\n{%- endif %}\n",
        ["<|im_start|>", "<|im_end|>", AddedToken("<tools>", special=False, normalized=False)], None, "<|im_end|>"),
    "deepseek": (
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}{{ bos_token }}"
        + LOOP + "{% if m['role'] == 'user' %}{{ 'User: ' + m['content'] + '\\n\\n' }}{% elif m['role'] == 'assistant' %}"
        "{{ 'Assistant: ' + m['content'] + eos_token }}{% elif m['role'] == 'system' %}{{ m['content'] + '\\n\\n' }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ 'Assistant:' }}{% endif %}",
        [], "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "command-r": (
        "{{ bos_token }}{% if messages[0]['role'] == 'system' %}{% set loop_messages = messages[1:] %}"
        "{% set system_message = messages[0]['content'] %}{% else %}{% set loop_messages = messages %}"
        "{% set system_message = false %}{% endif %}{% if system_message != false %}"
        "{{ '<|START_OF_TURN_TOKEN|><|SYSTEM_TOKEN|>' + system_message + '<|END_OF_TURN_TOKEN|>' }}{% endif %}"
        "{% for message in loop_messages %}{% set content = message['content'] %}{% if message['role'] == 'user' %}"
        "{{ '<|START_OF_TURN_TOKEN|><|USER_TOKEN|>' + content.strip() + '<|END_OF_TURN_TOKEN|>' }}"
        "{% elif message['role'] == 'assistant' %}"
        "{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' + content.strip() + '<|END_OF_TURN_TOKEN|>' }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ '<|START_OF_TURN_TOKEN|><|CHATBOT_TOKEN|>' }}{% endif %}",
        ["<|START_OF_TURN_TOKEN|>", "<|END_OF_TURN_TOKEN|>", "<|SYSTEM_TOKEN|>", "<|USER_TOKEN|>", "<|CHATBOT_TOKEN|>"],
        "<BOS_TOKEN>", "<|END_OF_TURN_TOKEN|>"),
    "falcon": (
        LOOP + "{% if not loop.first %}{{ '\\n' }}{% endif %}{% if m['role'] == 'system' %}{{ 'System: ' }}"
        "{% elif m['role'] == 'user' %}{{ 'User: ' }}{% elif m['role'] == 'assistant' %}{{ 'Falcon: ' }}{% endif %}"
        "{{ m['content'] }}{% endfor %}{% if add_generation_prompt %}{{ '\\n' + 'Falcon:' }}{% endif %}",
        [], None, "<|endoftext|>"),
    "vicuna": (
        LOOP + "{% if loop.first and m.role == 'system' %}{{ m.content + ' ' }}{% elif m.role == 'user' %}"
        "{{ 'USER: ' + m.content + ' ' }}{% else %}{{ 'ASSISTANT: ' + m.content + eos_token }}{% endif %}{% endfor %}"
        "{% if add_generation_prompt %}{{ 'ASSISTANT:' }}{% endif %}", [], "<s>", "</s>"),
    "alpaca": (
        "{{ (messages|selectattr('role', 'equalto', 'system')|list|last).content|trim "
        "if (messages|selectattr('role', 'equalto', 'system')|list) else '' }}\n\n" + LOOP + "\n"
        "{% if m['role'] == 'user' %}\n### Instruction:\n{{ m['content']|trim -}}\n{% if not loop.last %}\n\n\n{% endif %}\n"
        "{% elif m['role'] == 'assistant' %}\n### Response:\n{{ m['content']|trim -}}\n{% if not loop.last %}\n\n\n{% endif %}\n"
        "{% endif %}\n{% endfor %}\n{% if add_generation_prompt and messages[-1]['role'] != 'assistant' %}\n\n\n### Response:\n"
        "{% endif %}", [], "<s>", "</s>"),
    "openchat": (
        "{{ bos_token }}" + LOOP + "{{ 'GPT4 Correct ' + m['role'].title() + ': ' + m['content'] + '<|end_of_turn|>'}}"
        "{% endfor %}{% if add_generation_prompt %}{{ 'GPT4 Correct Assistant:' }}{% endif %}",
        ["<|end_of_turn|>"], "<s>", "<|end_of_turn|>"),
    "yi": (
        "{% if not add_generation_prompt is defined %}{% set add_generation_prompt = false %}{% endif %}"
        "{% if messages[0]['role'] == 'system' %}{% set system_message = messages[0]['content'] %}{% endif %}"
        "{% if system_message is defined %}{{ system_message }}{% endif %}{% for message in messages %}"
        "{% set content = message['content'] %}{% if message['role'] == 'user' %}"
        "{{ '<|im_start|>user\\n' + content + '<|im_end|>\\n<|im_start|>assistant\\n' }}"
        "{% elif message['role'] == 'assistant' %}{{ content + '<|im_end|>' + '\\n' }}{% endif %}{% endfor %}",
        ["<|im_start|>", "<|im_end|>"], "<|startoftext|>", "<|im_end|>"),
    "granite": (
        "{%- if messages[0]['role'] == 'system' %}\n    {%- set system_message = messages[0]['content'] %}\n    "
        "{%- set loop_messages = messages[1:] %}\n{%- else %}\n    {%- set system_message = 'Today is ' ~ "
        "strftime_now('%B %d, %Y') ~ '.' %}\n    {%- set loop_messages = messages %}\n{%- endif %}\n"
        "{{- '<|start_of_role|>system<|end_of_role|>' + system_message + '<|end_of_text|>\\n' }}\n"
        "{%- if documents %}\n    {{- '<|start_of_role|>documents<|end_of_role|>' }}\n    {%- for document in documents %}\n"
        "        {{- document['text'] }}\n    {%- endfor %}\n{%- endif %}\n{%- for message in loop_messages %}\n    "
        "{{- '<|start_of_role|>' + message['role'] + '<|end_of_role|>' + message['content'] + '<|end_of_text|>\\n' }}\n    "
        "{%- if loop.last and add_generation_prompt %}\n        {{- '<|start_of_role|>assistant' }}\n            "
        "{%- if controls %}\n                {{- ' ' + controls | tojson()}}\n            {%- endif %}\n        "
        "{{- '<|end_of_role|>' }}\n    {%- endif %}\n{%- endfor %}",
        ["<|start_of_role|>", "<|end_of_role|>"], "<|end_of_text|>", "<|end_of_text|>"),
    "smollm": (
        LOOP + "{% if loop.first and messages[0]['role'] != 'system' %}"
        "{{ '<|im_start|>system\\nYou are a small model<|im_end|>\\n' }}{% endif %}"
        "{{'<|im_start|>' + m['role'] + '\\n' + m['content'] + '<|im_end|>' + '\\n'}}{% endfor %}" + ASK,
        ["<|im_start|>", "<|im_end|>"], "<|im_start|>", "<|im_end|>"),
    "olmo, marked for training": (
        "{{ bos_token }}" + LOOP + "{% if m['role'] == 'system' %}{{ '<|system|>\\n' + m['content'] + '\\n' }}"
        "{% elif m['role'] == 'user' %}{{ '<|user|>\\n' + m['content'] + '\\n' }}{% elif m['role'] == 'assistant' %}"
        "{{ '<|assistant|>\\n' }}{% generation %}{% if not loop.last %}{{ m['content'] + eos_token + '\\n' }}{% else %}"
        "{{ m['content'] + eos_token }}{% endif %}{% endgeneration %}{% endif %}"
        "{% if loop.last and add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}{% endfor %}",
        [], "<|endoftext|>", "<|endoftext|>"),
    "a list of templates": (
        [{"name": "tool_use", "template": "{{ 'tools' }}" + TURN}, {"name": "default", "template": TURN + ASK}],
        ["<|im_start|>", "<|im_end|>"], "<s>", "<|im_end|>"),
    "python's methods": (
        "{% set roles = {'user': 'Q', 'assistant': 'A'} %}" + LOOP + "{% if loop.index > 99 %}{% break %}{% endif %}"
        "{% if not m.get('content') %}{% continue %}{% endif %}{% if m.role.startswith('sys') %}"
        "{{ '%s (%d)\\n' % (m.content.split('\\n')[0], loop.index) }}{{ m.content[0:] }}{% else %}"
        "{{ '<%s>' % roles.get(m.role, 'none') }}{{ m.content.lstrip('\\n') }}{% endif %}{{ eos_token }}{% endfor %}"
        "{% if add_generation_prompt %}<A>{% endif %}{% for k, v in {'a': none, 'b': true}.items() %}{% endfor %}",
        [], "<s>", "</s>"),
    "r1, a thought begins the answer": (
        "{{ bos_token }}" + LOOP + "{% if m['role'] == 'system' %}{{ m['content'] }}{% elif m['role'] == 'user' %}"
        "{{ '<｜User｜>' + m['content'] }}{% else %}{% set content = m['content'] %}{% if '</think>' in content %}"
        "{% set content = content.split('</think>')[-1] %}{% endif %}{{ '<｜Assistant｜>' + content + eos_token }}"
        "{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '<｜Assistant｜><think>\\n' }}{% endif %}",
        ["<｜User｜>", "<｜Assistant｜>", AddedToken("<think>", special=False), AddedToken("</think>", special=False)],
        "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>"),
    "the template in a file of its own": (
        TURN.replace("m['content']", "(m['content'] | trim)") + ASK, ["<|im_start|>", "<|im_end|>"], "<s>", "<|im_end|>"),
}


def make(directory, name, template, special, begin, end):
    """A model directory with a byte-level tokenizer and this chat template."""
    tokenizer = tokenizers.Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(TEXTS + [json.dumps({"thought": t, "control_label": t}) for t in TEXTS], trainer)
    tokenizer.add_special_tokens([t for t in dict.fromkeys([begin, end]) if t is not None])
    for token in special:
        plain = token if isinstance(token, str) else token.content
        if isinstance(token, str) or token.special:
            tokenizer.add_special_tokens([token])
        elif tokenizer.token_to_id(plain) is None:
            tokenizer.add_tokens([token])
    directory.mkdir(parents=True)
    tokenizer.save(str(directory / "tokenizer.json"))
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "bos_token": begin, "eos_token": end,
              "clean_up_tokenization_spaces": False, "chat_template": template}
    if name == "the template in a file of its own":
        (directory / "chat_template.jinja").write_text(template + "\n")
        config["chat_template"] = "{{ raise_exception('the file goes first') }}"
    (directory / "tokenizer_config.json").write_text(json.dumps(config))


def conversation(tokenizer, messages, **options):
    """The ids of a conversation; where the template refuses the system text, it goes into the first request."""
    options = {"tokenize": True, "return_dict": False, **options}
    try:
        return tokenizer.apply_chat_template(messages, **options)
    except Exception:
        system, user, *rest = messages
        merged = system["content"] + "\n\n" + user["content"]
        return tokenizer.apply_chat_template([{"role": "user", "content": merged}, *rest], **options)


def differences(directory, tokenize):
    tokenizer = transformers.AutoTokenizer.from_pretrained(directory)
    spelled = [f"close {token} and {token}{token} now" for token in tokenizer.get_added_vocab()]
    lines = "\n".join([text.replace("\n", " ") for text in TEXTS] + spelled)
    done = subprocess.run([tokenize, directory], input=lines, text=True, capture_output=True)
    if done.returncode:
        return [done.stderr.strip()]
    found = []
    for number, record in enumerate(json.loads(line) for line in done.stdout.splitlines()):
        if "text" in record:
            continue
        messages, ids, answer = record["messages"], record["ids"], record["answer_ids"]
        if number // 2 >= len(TEXTS):
            expected = conversation(tokenizer, messages, add_generation_prompt=True, sanitize_control_tokens=True)
            if tokenizer.decode(ids) != tokenizer.decode(expected):
                found.append(f"{messages[-1]['content'][-60:]!r}: {tokenizer.decode(ids)!r} {tokenizer.decode(expected)!r}")
            continue
        expected = conversation(tokenizer, messages, add_generation_prompt=True)
        if ids != expected:
            found.append(f"prompt: {tokenizer.decode(ids)!r}, not {tokenizer.decode(expected)!r}")
        whole = conversation(tokenizer, messages + [{"role": "assistant", "content": record["answer"]}])
        # An end that the template does not write is ours. Where a template writes the prompt otherwise once it is
        # answered, the answer is compared alone.
        own_end = answer[:-1] if answer[-1] not in whole[-3:] else answer
        text, spoken = tokenizer.decode(whole), tokenizer.decode(own_end)
        is_rewritten = not text.startswith(tokenizer.decode(ids))
        if whole[: len(ids + own_end)] != ids + own_end and not (is_rewritten and text.rstrip().endswith(spoken)):
            found.append(f"answer: {spoken!r} after {tokenizer.decode(ids)[-40:]!r}, not {text[-200:]!r}")
    return found


def main(binary):
    tokenize = Path(binary).parent / "examples/tokenize"
    equal = 0
    with tempfile.TemporaryDirectory() as place:
        for name, shape in SHAPES.items():
            directory = Path(place) / name
            make(directory, name, *shape)
            found = differences(directory, tokenize)
            equal += not found
            print(f"{name}: " + ("equal" if not found else f"{len(found)} differ, the first: {found[0]}"))
    print(f"{equal} of {len(SHAPES)} shapes: the same ids as transformers {transformers.__version__}")
    return equal == len(SHAPES)


if __name__ == "__main__":
    sys.exit(0 if main(sys.argv[1]) else 1)
