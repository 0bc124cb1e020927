# as the quick start of vLLM has it
docker run --runtime nvidia --gpus 1 -v ~/.cache/huggingface:/root/.cache/huggingface \
  --env "HF_TOKEN=$HF_TOKEN" -e NCCL_DEBUG=INFO -p 8000:8000 --ipc=host --name chat --made-up=1 \
  vllm/vllm-openai:latest --model Qwen/Qwen3-8B --max-num-seqs 16
